/**
 * What the embedded model knows and the words that people use for it: data only.
 * Patterns are regular expressions over lower-case text, matched at word boundaries.
 * Source of the model's own words: the embedded model's card, "What it knows".
 */

/** The model's shapes by its own words, the first of each being the one to write. */
export const shapeWords = {
  ball: ["ball", "sphere", "circle", "disc"],
  square: ["square", "box", "block", "cube"],
  triangle: ["triangle"],
  star: ["star"],
  ring: ["ring", "hoop", "donut"],
  heart: ["heart"],
  diamond: ["diamond", "gem", "kite"],
  cross: ["cross", "plus sign"],
} as const;

export type Shape = keyof typeof shapeWords;

/** Other words for a shape, with the colour that they bring along unless another is named. */
export const shapeSynonyms: readonly (readonly [pattern: string, shape: Shape, colour?: Colour])[] =
  [
    ["tennis ?balls?", "ball", "yellow"],
    ["basketballs?", "ball", "orange"],
    ["(?:foot|soccer |golf |ping[- ]pong |volley|snow)balls?", "ball", "white"],
    ["(?:apple|tomato|cherry|cherries|ladybug)(?:e?s)?", "ball", "red"],
    ["lemons?", "ball", "yellow"],
    ["(?:moon|pearl|egg)s?", "ball", "white"],
    ["suns?", "ball", "yellow"],
    ["planets?", "ball", "blue"],
    ["bubbles?", "ball", "cyan"],
    ["(?:balloon|orb|globe|marble|bead|dot|disk|pea|ball|sphere|circle|disc)s?", "ball"],
    ["(?:brick|crate|parcel)s?", "square", "brown"],
    ["ice cubes?", "square", "cyan"],
    ["(?:tile|die|dice|rectangle|quadrilateral|carton|present|square|block|cube)s?", "square"],
    ["box(?:es)?", "square"],
    ["pyramids?", "triangle", "yellow"],
    ["(?:cone|wedge|triangle|arrowhead)s?", "triangle"],
    ["starfish(?:es)?", "star", "orange"],
    ["(?:star|asterisk|pentagram)s?", "star"],
    ["(?:wheel|tyre|tire)s?", "ring", "brown"],
    ["(?:do(?:ugh)?nut|bagel)s?", "ring", "brown"],
    ["(?:ring|hoop|hula[- ]hoop|torus|halo|annulus|loop|lifebuoy)s?", "ring"],
    ["(?:love ?heart|heart|valentine)s?", "heart"],
    ["rub(?:y|ies)", "diamond", "red"],
    ["sapphires?", "diamond", "blue"],
    ["amethysts?", "diamond", "purple"],
    ["(?:diamond|gem|gemstone|kite|jewel|rhombus|rhomb|crystal|lozenge)s?", "diamond"],
    ["(?:plus(?:es)?(?: signs?)?|cross(?:es)?)", "cross"],
  ];

/** The model's colours of shapes by its own words, the first of each being the one to write. */
export const colourWords = {
  red: ["red", "crimson", "scarlet"],
  orange: ["orange"],
  yellow: ["yellow", "golden"],
  green: ["green", "emerald"],
  blue: ["blue"],
  purple: ["purple", "violet"],
  pink: ["pink", "rose"],
  white: ["white"],
  cyan: ["cyan", "turquoise", "teal"],
  brown: ["brown"],
} as const;

export type Colour = keyof typeof colourWords;

/** Other words for a colour. */
export const colourSynonyms: readonly (readonly [pattern: string, colour: Colour])[] = [
  ["red(?:dish)?|crimson|scarlet|ruby|maroon|burgundy|cherry[- ]red|vermil+ion|fiery", "red"],
  ["orange|tangerine|amber|apricot|peach|coral", "orange"],
  ["yellow(?:ish)?|gold(?:en)?|lemon|blond|mustard|sunny yellow", "yellow"],
  ["green(?:ish)?|emerald|lime|olive|mint|jade|neon green", "green"],
  ["blue|bluish|navy|azure|indigo|cobalt|sapphire|sky[- ]blue|ultramarine", "blue"],
  ["purple|purplish|violet|lilac|lavender|plum|mauve", "purple"],
  ["pink(?:ish)?|rose|rosy|magenta|fuchsia|salmon", "pink"],
  ["white|whitish|ivory|snow[- ]white|pale|cream", "white"],
  ["cyan|turquoise|teal|aqua(?:marine)?", "cyan"],
  ["brown(?:ish)?|chocolate|tan|beige|bronze|copper|wooden|chestnut", "brown"],
];

/** Colours that the model never saw on a shape, and the nearest that it did. */
export const missingColours: readonly (readonly [pattern: string, colour: Colour])[] = [
  ["black|dark|charcoal", "brown"],
  ["gr[ae]y(?:ish)?|silver(?:y)?", "white"],
];

/** The colour a shape gets when none is named. */
export const usualColour: Readonly<Record<Shape, Colour>> = {
  ball: "red",
  square: "blue",
  triangle: "green",
  star: "yellow",
  ring: "orange",
  heart: "red",
  diamond: "cyan",
  cross: "red",
};

/** Sizes; the model's own words are the keys. */
export const sizeSynonyms: readonly (readonly [pattern: string, size: "big" | "small"])[] = [
  ["big|large|huge|giant|gigantic|enormous|massive|great", "big"],
  ["small|tiny|little|mini(?:ature)?|wee|petite", "small"],
];

/** How to write each motion. */
export const motions = {
  bounce: "bounces",
  left: "slides to the left",
  right: "slides to the right",
  rise: "rises",
  fall: "falls",
  orbit: "orbits",
  grow: "grows",
  shrink: "shrinks",
  spin: "spins",
  swing: "swings",
  hover: "hovers",
} as const;

export type Motion = keyof typeof motions;

/** The model's own phrases for motions, as patterns of whole phrases. */
export const motionPhrases = [
  "bounces(?: up and down)?|hops(?: up and down)?|jumps up and down",
  "(?:slides|moves|rolls) to the (?:left|right)",
  "rises|floats up|falls(?: down)?|drops|sinks",
  "orbits(?: the cent(?:re|er))?|moves in a circle",
  "grows(?: (?:larger|bigger))?|gets bigger|comes closer|shrinks",
  "spins|rotates|swings|sways|hovers|stands still",
].join("|");

const go =
  "(?:go(?:es|ing)?|mov(?:es?|ing)|fl(?:y|ies|ying|oats?|oating)|drift(?:s|ing)?|travel\\w*)";

/** Other words for motions. Of several, the one that stands first counts, the longer of two there. */
export const motionSynonyms: readonly (readonly [pattern: string, motion: Motion])[] = [
  ["(?:from )?(?:the )?left to (?:the )?right|left[- ]to[- ]right", "right"],
  ["(?:from )?(?:the )?right to (?:the )?left|right[- ]to[- ]left", "left"],
  ["(?:\\w+(?:s|ing) )?(?:off )?(?:to|towards?) (?:the |its )?left(?: side)?|leftwards?", "left"],
  [
    "(?:\\w+(?:s|ing) )?(?:off )?(?:to|towards?) (?:the |its )?right(?: side)?|rightwards?",
    "right",
  ],
  ["(?!(?:the|on|at|my|its)\\b)\\w+ left", "left"],
  ["(?!(?:the|on|at|my|its|all)\\b)\\w+ right", "right"],
  ["bounc\\w*|hop(?:s|ping|ped|py)?|jump\\w*|leap\\w*|dribbl\\w*|springs|springing", "bounce"],
  [`(?:${go} )?up and down|boing\\w*|trampolin\\w*`, "bounce"],
  ["orbit\\w*|circling|circled|revolv\\w*|loops|looping", "orbit"],
  ["(?:\\w+(?:s|ing) )?(?:around )?in (?:a )?circles?", "orbit"],
  [`${go} (?:a)?round(?: (?:the|a) \\w+| and round)?|laps?`, "orbit"],
  ["gr[oe]w(?:s|ing|n)?|expand\\w*|inflat\\w*|enlarg\\w*|swell\\w*", "grow"],
  ["(?:gets?|getting|becom(?:es|ing)) (?:bigger|larger|huge)(?: and bigger)?", "grow"],
  ["(?:com(?:es?|ing)|gets?|getting|mov(?:es|ing)) (?:closer|nearer)|approach\\w*", "grow"],
  [`(?:\\w+(?:s|ing) )?(?:towards?|at|to) (?:us|me|you|the (?:camera|viewer|screen))`, "grow"],
  ["shrink\\w*|shrank|shrunk|contract\\w*|deflat\\w*|dwindl\\w*|reced\\w*|vanish\\w*", "shrink"],
  ["(?:gets?|getting|becom(?:es|ing)) (?:smaller|tiny)(?: and smaller)?", "shrink"],
  [`${go} (?:far )?away|disappear\\w*`, "shrink"],
  ["spin\\w*|spun|rotat\\w*|twirl\\w*|whirl\\w*|pirouett\\w*|gyrat\\w*|tumbl\\w*", "spin"],
  ["turn(?:s|ing)?(?: around)?", "spin"],
  ["swing\\w*|swung|sway\\w*|rock(?:s|ing)|wobbl\\w*|oscillat\\w*|dangl\\w*|wiggl\\w*", "swing"],
  [`(?:${go} )?(?:back and forth|(?:from )?side to side|to and fro)|like a pendulum`, "swing"],
  ["ris(?:es?|ing|en)|rose up|ascend\\w*|climb\\w*|lifts?(?: off)?|lifting|soar\\w*", "rise"],
  [
    `${go} (?:up(?:wards?)?|higher|into the (?:air|sky))|upwards?|tak(?:es|ing) off|launch\\w*`,
    "rise",
  ],
  ["fall\\w*|fell|drop\\w*|sink\\w*|sank|descend\\w*|plummet\\w*|plung\\w*|sets|setting", "fall"],
  [`${go} down(?:wards?)?|downwards?|com(?:es|ing) down`, "fall"],
  ["hover\\w*|levitat\\w*|float(?:s|ing)?|(?:stands?|standing|stays?|staying) still", "hover"],
  ["(?:is |keeps )?(?:still|static|motionless|stationary|suspended|idle)", "hover"],
  ["rest(?:s|ing)|sit(?:s|ting)|hang(?:s|ing)|waits|waiting|stays?|staying|lies|lying", "hover"],
];

/** Verbs of moving that say no direction: to the right, unless another motion is named. */
export const movingVerbs =
  "slid(?:es?|ing)|roll(?:s|ing)?|mov(?:es?|ing)|glid(?:es?|ing)|drift(?:s|ing)?|runs?|running|" +
  "go(?:es|ing)|fl(?:y|ies|ying)|travel\\w*|pass(?:es|ing)(?: by)?|cross(?:es|ing) the \\w+|" +
  "skat(?:es|ing)|driv(?:es|ing)|swim\\w*|walk\\w*|danc(?:es|ing)";

/** Pace; the model's own words are the keys. */
export const paceSynonyms: readonly (readonly [pattern: string, pace: "slowly" | "quickly"])[] = [
  ["slow(?:ly)?|gentl[ey]|softly|gradually|leisurely|lazily", "slowly"],
  ["quick(?:ly)?|fast|rapid(?:ly)?|swift(?:ly)?|speedily", "quickly"],
];

/** Colours that floors, walls and plain backgrounds have in the model's world, by words for them. */
export const backgroundColours: readonly (readonly [pattern: string, colour: string])[] = [
  ["black|dark|charcoal", "black"],
  ["white|whitish|ivory|pale|bright|cream", "white"],
  ["gr[ae]y(?:ish)?|silver(?:y)?|concrete|stone", "grey"],
  ["green(?:ish)?|emerald|lime|olive|mint|jade", "green"],
  ["blue|bluish|navy|azure|indigo|cyan|turquoise|teal|aqua", "blue"],
  ["brown(?:ish)?|wood(?:en)?|chocolate|tan|beige|bronze|chestnut|brick", "brown"],
  ["yellow(?:ish)?|gold(?:en)?|orange|amber|mustard|sandy", "yellow"],
  ["red(?:dish)?|crimson|scarlet|maroon|burgundy", "red"],
  ["pink(?:ish)?|rose|rosy|magenta|salmon", "pink"],
  ["purple|violet|lilac|lavender|mauve|plum", "purple"],
];

/** Kinds of plain backgrounds, and the colour that their word brings along. */
export const surfaces: readonly (readonly [
  pattern: string,
  kind: "floor" | "wall" | "background",
  colour?: string,
])[] = [
  ["(?:lawn|grass|turf|(?:(?:soccer|football) )?(?:pitch|field))", "floor", "green"],
  ["(?:sand|desert|dunes?|savannah?)", "floor", "yellow"],
  ["(?:table(?:top)?|desk|parquet|earth|soil|mud|dirt)", "floor", "brown"],
  ["(?:road|street|asphalt|pavement|sidewalk|concrete)", "floor", "grey"],
  ["(?:floor|ground|carpet|rug|surface|mat|tiles|stage)", "floor"],
  ["(?:brick wall|bricks)", "wall", "brown"],
  ["(?:blackboard|chalkboard)", "wall", "black"],
  ["(?:whiteboard)", "wall", "white"],
  ["(?:wall|curtain|fence|door|board)", "wall"],
  ["(?:darkness|the dark|void|nothingness)", "background", "black"],
  ["(?:background|backdrop|backgrounds|canvas|paper|room|studio)", "background"],
];

/** Scenes in the model's words, by the words that people use. */
export const scenes: readonly (readonly [pattern: string, scene: string])[] = [
  ["(?:sun ?set|sun ?rise|dusk|dawn|twilight|evening|golden hour|sundown)(?: sky)?", "at sunset"],
  ["(?:(?:pink|orange|red) sky|setting sun)", "at sunset"],
  ["(?:(?:night|starry|black|dark) sky|starry night|night ?time|nights?|midnight)", "at night"],
  ["(?:moonlight|moonlit|starlight|galaxy|outer space|space|universe|cosmos)", "at night"],
  ["(?:under|below|beneath|among) (?:the |a million )?stars", "at night"],
  ["(?:sea|ocean|lake|river|water|waves|beach|pond|underwater|seaside|pool)", "over the sea"],
  ["(?:snow(?:y|ing|fall|flakes)?|winter(?:y)?|blizzard|snow ?storm)", "in the snow"],
  ["(?:rain(?:y|ing|storm|fall|drops)?|drizzle|thunder ?storm|storm(?:y)?)", "in the rain"],
  [
    "(?:sunny(?: day)?|sunshine|sunlight|summer(?: day)?|day ?light|daytime|clear day|bright day)",
    "on a sunny day",
  ],
  ["(?:meadow|park|garden|countryside|hills?|(?:blue|clear|bright) sky|sky)", "on a sunny day"],
];

/** The model's own phrases for backgrounds, as patterns of whole phrases. */
export const backgroundPhrases = [
  "(?:on|over|above|across|past) an? COLOUR floor",
  "(?:in front of|past|before|on) an? COLOUR wall",
  "(?:(?:past|on|over|against) an? )?COLOUR background",
  "on a sunny day|(?:in|on|over) an? (?:(?:green|sunny) )?meadow",
  "at sunset|at night|under the stars|over the sea|in the snow|in the rain",
].join("|").replaceAll("COLOUR", "(?:black|white|gr[ae]y|green|blue|brown|yellow|red|pink|purple)");
