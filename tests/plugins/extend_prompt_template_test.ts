import { assertEquals, assertMatch } from "@std/assert";
import { toModelWording } from "../../plugins/extend_prompt/template.ts";

/** Free words and the caption that they become. */
const templates: readonly (readonly [text: string, caption: string])[] = [
  ["bouncy red ball, green grass", "a red ball bounces on a green floor"],
  ["RED BALL BOUNCING ON GREEN FLOOR", "a red ball bounces on a green floor"],
  ["ball", "a red ball hovers, grey background"],
  ["a bouncing ball", "a red ball bounces on a grey floor"],
  [
    "A huge blue cube goes left across the lawn",
    "a big blue square slides to the left on a green floor",
  ],
  [
    "a tiny golden star drifting slowly to the right",
    "a small yellow star slides to the right slowly on a grey floor",
  ],
  ["a star in the night sky", "a yellow star hovers at night"],
  ["heart-shaped balloon floating up into a blue sky", "a red heart rises on a sunny day"],
  ["a diamond ring spinning", "an orange ring spins, grey background"],
  [
    "green triangle moving from left to right",
    "a green triangle slides to the right on a grey floor",
  ],
  [
    "green triangle moving from right to left in the snow",
    "a green triangle slides to the left in the snow",
  ],
  ["Please make a video of a basketball bouncing!", "an orange ball bounces on a grey floor"],
  ["a moon rises over the ocean", "a white ball rises over the sea"],
  ["yellow sun sets behind the sea", "a yellow ball falls over the sea"],
  ["a kite flies in the wind", "a cyan diamond slides to the right on a grey floor"],
  ["a wheel rolls down the road", "a brown ring slides to the right on a grey floor"],
  ["pink ball on the left", "a pink ball hovers, grey background"],
  [
    "a turquoise gem twirling quickly against a dark wall",
    "a cyan diamond spins quickly in front of a black wall",
  ],
  ["hopping violet heart on a wooden table", "a purple heart bounces on a brown floor"],
  ["a ball that is red, the background is white", "a red ball hovers, white background"],
  ["small box, background: purple", "a small blue square hovers, purple background"],
  ["a pyramid in the desert", "a yellow triangle hovers on a yellow floor"],
  ["a cross gets bigger", "a red cross grows, grey background"],
  ["white bubble coming towards the camera", "a white ball grows, grey background"],
  ["a swinging pendulum ball", "a red ball swings, grey background"],
  ["the ball is standing still in the rain", "a red ball hovers in the rain"],
  ["circle circling", "a red ball orbits, grey background"],
  ["crimson disc orbiting around the center on black", "a red ball orbits, black background"],
  ["a snowball rolling down a hill", "a white ball slides to the right on a sunny day"],
  ["large square shrinking under the stars", "a big blue square shrinks at night"],
  ["a rotating plus sign in a white room", "a red cross spins, white background"],
  ["three green balls jumping", "a green ball bounces on a grey floor"],
  ["light blue star, winter", "a blue star hovers in the snow"],
  ["a bright green ball flies up", "a green ball rises, grey background"],
  ["an orange triangle falls", "an orange triangle falls, grey background"],
  ["orange box sinks into a lake at dusk's end", "an orange square falls over the sea"],
  ["doughnut swaying from side to side at sunset", "a brown ring swings at sunset"],
  ["a ruby getting smaller on a white background", "a red diamond shrinks, white background"],
  ["teal hoop goes round and round", "a cyan ring orbits, grey background"],
  ["lavender dice, tumbling", "a purple square spins, grey background"],
  ["a magenta heart grew on the beach", "a pink heart grows over the sea"],
  ["a big ball fell in front of a brick wall", "a big red ball falls in front of a brown wall"],
  ["starfish floating underwater", "an orange star hovers over the sea"],
  [
    "brown box on an azure carpet slides leftwards",
    "a brown square slides to the left on a blue floor",
  ],
  ["moonlit night: a purple cross soars", "a purple cross rises at night"],
  ["a rainbow and a red ball on a stormy day", "a red ball hovers in the rain"],
  ["ｂａｌｌ　ｂｏｕｎｃｉｎｇ", "a red ball bounces on a grey floor"],
];

for (const [text, caption] of templates) {
  Deno.test(`toModelWording() reads ${JSON.stringify(text)}`, () => {
    assertEquals(toModelWording(text).text, caption);
    assertEquals(toModelWording(caption), { text: caption, warnings: [] });
  });
}

Deno.test("toModelWording() leaves the model's own captions alone", () => {
  const captions = [
    "a red ball bounces on a green floor",
    "at sunset, a pink heart swings",
    "a purple square slides to the left over a white floor",
    "one yellow star spins slowly in front of a black wall",
    "an orange circle falls down past a grey background",
    "a blue triangle grows larger, white background",
    "a green ball bounces on a black floor",
    "a red square orbits the centre, grey background",
    "a pink heart swings in the rain",
    "a golden star rises over the sea at night",
    "a white diamond hovers at sunset",
    "the big crimson sphere jumps up and down on a sunny day",
    "a small teal donut moves in a circle, black background",
    "in the snow, a scarlet plus sign stands still",
  ];
  for (const caption of captions) {
    assertEquals(toModelWording(caption), { text: caption, warnings: [] });
    const shouted = `  ${caption.toUpperCase().replaceAll(" ", " \n ")}. `;
    assertEquals(toModelWording(shouted).text, caption);
  }
});

Deno.test("toModelWording() says what the model cannot do", () => {
  const cases: [string, string, RegExp][] = [
    [
      "a cat plays the piano",
      "a cat plays the piano",
      /"a cat plays the piano" names none.*Try "a red ball bounces/,
    ],
    [
      "black box falls",
      "a brown square falls, grey background",
      /never saw a black shape: it is drawn brown/,
    ],
    [
      "silver star, sunset",
      "a white star hovers at sunset",
      /never saw a silver shape: it is drawn white/,
    ],
    [
      "a red ball and a blue square",
      "a red ball hovers, grey background",
      /the ball stays, the square is left out/,
    ],
    [
      "ocean, sunset, a pink heart",
      "a pink heart hovers over the sea",
      /it gets "over the sea", and "at sunset" is left out/,
    ],
  ];
  for (const [text, expected, warning] of cases) {
    const wording = toModelWording(text);
    assertEquals(wording.text, expected);
    assertEquals(wording.warnings.length, 1, text);
    assertMatch(wording.warnings[0]!, warning);
  }
});

Deno.test("toModelWording() is idempotent on any text, and comes to an end on long ones", () => {
  const words =
    "a red black ball star ring bounces left right to the up down floor wall sunset night sea , . snow big in circle grows ; lawn is of white"
      .split(" ");
  let state = 7;
  for (let i = 0; i < 400; i++) {
    const text = Array.from({ length: 1 + i % 15 }, () => {
      state = Math.imul(state, 1664525) + 1013904223 | 0;
      return words[(state >>> 8) % words.length]!;
    }).join(" ");
    const once = toModelWording(text).text;
    assertEquals(toModelWording(once).text, once, text);
  }
  // A pattern that tries every way to part the words would be at it for years.
  assertMatch(toModelWording("very ".repeat(4000)).text, /^very very/);
  assertMatch(toModelWording("a red ball moving ".repeat(1000)).text, /red ball/);
});
