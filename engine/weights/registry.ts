/**
 * Published models by name: which files they are, where they come from, under which licence. Data only.
 *
 * The list is what the reference downloads: guandeh17/Self-Forcing@33593df3e81fa3ec10239271dd2c100facac6de1,
 * README.md:47-51 and 86-90, demo.py:72-76. Sizes and checksums are the hub's own where they are public;
 * the others are learned from the hub, or on the first pull.
 */

/** One file of a published model. */
export interface ModelFile {
  /** Where it is in its repository, and below the model's folder: slashes, no leading one. */
  readonly path: string;
  /** What it is for, in a few words. */
  readonly use: string;
  /** Its size, where it is publicly known. */
  readonly bytes?: number;
  /** Its SHA-256 in hexadecimal, where it is publicly known. */
  readonly sha256?: string;
}

/** A published model: files that are of use together. */
export interface PublishedModel {
  /** As `models pull` names it, kebab-case. */
  readonly name: string;
  /** One line for lists. */
  readonly summary: string;
  /** `owner/name` on the Hugging Face Hub; without it, `address` says where the files are. */
  readonly repository?: string;
  /** A commit, or a branch where the publisher's commit is not known. Default: `main`. */
  readonly revision?: string;
  /** The address that paths are appended to, for files that are not on the hub. Ends with a slash. */
  readonly address?: string;
  /** Its folder inside the folder of models. */
  readonly folder: string;
  /** SPDX name of the licence. */
  readonly licence: string;
  /** Where the licence and the model's card can be read. */
  readonly page: string;
  /** In the order they are fetched. */
  readonly files: readonly ModelFile[];
}

const wan = {
  repository: "Wan-AI/Wan2.1-T2V-1.3B",
  revision: "37ec512624d61f7aa208f7ea8140a131f93afc9a",
  folder: "Wan2.1-T2V-1.3B",
  licence: "Apache-2.0",
  page: "https://huggingface.co/Wan-AI/Wan2.1-T2V-1.3B",
} as const;

/** Self Forcing's card says CC BY-NC-SA 4.0: not for commercial use. */
function selfForcing(name: string, file: string, summary: string, use: string): PublishedModel {
  return {
    name,
    summary,
    repository: "gdhe17/Self-Forcing",
    folder: "Self-Forcing",
    licence: "CC-BY-NC-SA-4.0",
    page: "https://huggingface.co/gdhe17/Self-Forcing",
    files: [{ path: `checkpoints/${file}`, use }],
  };
}

/** Every model that has a name. */
export const publishedModels: readonly PublishedModel[] = [
  {
    ...wan,
    name: "umt5-xxl",
    summary: "Wan 2.1's text encoder and its tokenizer; every published model needs it",
    files: [
      {
        path: "models_t5_umt5-xxl-enc-bf16.pth",
        use: "text encoder, bfloat16",
        bytes: 11_361_920_418,
        sha256: "7cace0da2b446bbbbc57d031ab6cf163a3d59b366da94e5afe36745b746fd81d",
      },
      {
        path: "google/umt5-xxl/tokenizer.json",
        use: "tokenizer",
        bytes: 16_837_417,
        sha256: "6e197b4d3dbd71da14b4eb255f4fa91c9c1f2068b20a2de2472967ca3d22602b",
      },
    ],
  },
  {
    ...wan,
    name: "wan2.1-vae",
    summary: "Wan 2.1's own decoder: the best pictures, slower than taew2.1",
    files: [{
      path: "Wan2.1_VAE.pth",
      use: "decoder and encoder of latents, float32",
      bytes: 507_609_880,
      sha256: "38071ab59bd94681c686fa51d75a1968f64e470262043be31f7a094e442fd981",
    }],
  },
  {
    ...wan,
    name: "wan2.1-t2v-1.3b",
    summary: "Wan 2.1's bidirectional transformer, undistilled: what training begins with",
    files: [
      {
        path: "diffusion_pytorch_model.safetensors",
        use: "diffusion transformer, float32",
        bytes: 5_676_070_424,
        sha256: "96b6b242ca1c2f24e9d02cd6596066fab6d310e2d7538f33ae267cb18d957e8f",
      },
      {
        path: "config.json",
        use: "its sizes",
        bytes: 249,
        sha256: "ab37994c43740513f94b3ba6233a784035a67b43c8cde83c8f31aa90468c67ce",
      },
    ],
  },
  {
    name: "wan2.1-t2v-14b",
    summary: "Wan 2.1's large bidirectional transformer, undistilled",
    repository: "Wan-AI/Wan2.1-T2V-14B",
    folder: "Wan2.1-T2V-14B",
    licence: "Apache-2.0",
    page: "https://huggingface.co/Wan-AI/Wan2.1-T2V-14B",
    files: [
      {
        path: "diffusion_pytorch_model.safetensors.index.json",
        use: "which tensor is in which file",
      },
      ...Array.from({ length: 6 }, (_, i) => ({
        path: `diffusion_pytorch_model-0000${i + 1}-of-00006.safetensors`,
        use: "a part of the diffusion transformer, float32",
      })),
    ],
  },
  selfForcing(
    "self-forcing-dmd",
    "self_forcing_dmd.pt",
    "Self Forcing, trained by distribution matching: the reference's own choice",
    "causal diffusion transformer, four steps",
  ),
  selfForcing(
    "self-forcing-sid",
    "self_forcing_sid.pt",
    "Self Forcing, trained by score identity distillation",
    "causal diffusion transformer, four steps",
  ),
  selfForcing(
    "self-forcing-sid-v2",
    "self_forcing_sid_v2.pt",
    "Self Forcing, trained by score identity distillation, second version",
    "causal diffusion transformer, four steps",
  ),
  selfForcing(
    "self-forcing-gan",
    "self_forcing_gan.pt",
    "Self Forcing, trained against a discriminator",
    "causal diffusion transformer, four steps",
  ),
  selfForcing(
    "self-forcing-10s",
    "self_forcing_10s.pt",
    "Self Forcing for clips of ten seconds",
    "causal diffusion transformer, four steps",
  ),
  selfForcing(
    "self-forcing-ode-init",
    "ode_init.pt",
    "What Self Forcing's training begins with: a causal transformer that has seen teacher's paths",
    "causal diffusion transformer, for training",
  ),
  {
    name: "taew2.1",
    summary: "The tiny decoder for Wan 2.1's latents: much faster than wan2.1-vae",
    // The commit that the network's sizes are taken from.
    address:
      "https://raw.githubusercontent.com/madebyollin/taehv/1f14a568f24bf8811e0a0ac601613e04fc1581e8/",
    folder: "taehv",
    licence: "MIT",
    page: "https://github.com/madebyollin/taehv",
    files: [{ path: "taew2_1.pth", use: "decoder and encoder of latents" }],
  },
];

/** The model and its file that a path ends with, such as `models/taehv/taew2_1.pth`. */
export function publishedFile(
  path: string,
): { readonly model: PublishedModel; readonly file: ModelFile } | undefined {
  const wanted = `/${path.replaceAll("\\", "/")}`;
  for (const model of publishedModels) {
    const file = model.files.find((each) => wanted.endsWith(`/${model.folder}/${each.path}`));
    if (file) return { model, file };
  }
}
