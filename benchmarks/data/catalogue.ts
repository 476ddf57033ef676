/**
 * @module The published dataset files of the paper's six: names, addresses, MD5s and row counts (VLMEvalKit, commit e8e78f05).
 *
 * The first of each benchmark is the one the R1-ShareVL paper's numbers fit.
 */
import type { BenchmarkName, DatasetInfo } from "../records.js";

const HOST = "https://opencompass.openxlab.space/utils";
const MATH_VERSE = `${HOST}/benchmarks/MathVerse`;

export const DATASETS: Readonly<Record<BenchmarkName, readonly DatasetInfo[]>> = {
  MathVista: [
    {
      name: "MathVista_MINI",
      split: "testmini",
      url: `${HOST}/VLMEval/MathVista_MINI.tsv`,
      md5: "f199b98e178e5a2a20e7048f5dcb0464",
      rows: 1000,
    },
  ],
  MMStar: [
    {
      name: "MMStar",
      split: "val",
      url: `${HOST}/VLMEval/MMStar.tsv`,
      md5: "e1ecd2140806c1b1bbf54b43372efb9e",
      rows: 1500,
    },
    { name: "MMStar_MINI", split: "a tenth of val", url: `${HOST}/TEST/MMStar_MINI.tsv` },
  ],
  MMMU: [
    {
      name: "MMMU_DEV_VAL",
      split: "dev 150 and validation 900; papers report validation",
      url: `${HOST}/VLMEval/MMMU_DEV_VAL.tsv`,
      md5: "585e8ad75e73f75dcad265dfd0417d64",
      rows: 1050,
    },
    {
      name: "MMMU_TEST",
      split: "test, without answers",
      url: `${HOST}/VLMEval/MMMU_TEST.tsv`,
      md5: "c19875d11a2d348d07e5eb4bdf33166d",
      hidesAnswers: true,
    },
  ],
  MathVerse: [
    {
      name: "MathVerse_MINI",
      split: "testmini, 788 problems in five versions",
      url: `${MATH_VERSE}/MathVerse_MINIV.tsv`,
      md5: "5017caca32b7fa110c350a1bea861b65",
      rows: 3940,
    },
    {
      name: "MathVerse_MINI_Vision_Only",
      split: "testmini, Vision Only",
      url: `${MATH_VERSE}/MathVerse_MINIVOnly.tsv`,
      md5: "68a11d4680014ac881fa37adeadea3a4",
      rows: 788,
    },
    {
      name: "MathVerse_MINI_Vision_Only_cot",
      split: "testmini, Vision Only, asked step by step",
      url: `${MATH_VERSE}/MathVerse_MINIVOnly.tsv`,
      md5: "68a11d4680014ac881fa37adeadea3a4",
      rows: 788,
      questionColumn: "query_cot",
    },
    {
      name: "MathVerse_MINI_Vision_Dominant",
      split: "testmini, Vision Dominant",
      url: `${MATH_VERSE}/MathVerse_MINIVDom.tsv`,
      md5: "b8fb63852d261ab2aaefba29cc2414d3",
      rows: 788,
    },
    {
      name: "MathVerse_MINI_Vision_Intensive",
      split: "testmini, Vision Intensive",
      url: `${MATH_VERSE}/MathVerse_MINIVInt.tsv`,
      md5: "01cbd35be202bb0c4873a4186a63bc19",
      rows: 788,
    },
    {
      name: "MathVerse_MINI_Text_Lite",
      split: "testmini, Text Lite",
      url: `${MATH_VERSE}/MathVerse_MINITLite.tsv`,
      md5: "19e4b13bdd30b89a03b2e358bcfefa04",
      rows: 788,
    },
    {
      name: "MathVerse_MINI_Text_Dominant",
      split: "testmini, Text Dominant",
      url: `${MATH_VERSE}/MathVerse_MINITDom.tsv`,
      md5: "4f5cd2fa6630ea00bb11d6fde1f6fe6a",
      rows: 788,
    },
  ],
  MathVision: [
    {
      name: "MathVision",
      split: "test",
      url: `${HOST}/VLMEval/MathVision.tsv`,
      md5: "93f6de14f7916e598aa1b7165589831e",
      rows: 3040,
    },
    {
      name: "MathVision_MINI",
      split: "testmini",
      url: `${HOST}/VLMEval/MathVision_MINI.tsv`,
      md5: "060fe4fa5d868987ce179307bd5f8a33",
      rows: 304,
    },
  ],
  AI2D: [
    {
      name: "AI2D_TEST",
      split: "test, labels masked",
      url: `${HOST}/VLMEval/AI2D_TEST.tsv`,
      md5: "0f593e0d1c7df9a3d69bf1f947e71975",
      rows: 3088,
    },
    {
      name: "AI2D_TEST_NO_MASK",
      split: "test, labels beside the original text",
      url: `${HOST}/VLMEval/AI2D_TEST_NO_MASK.tsv`,
      md5: "fd8f463634d4fe9fbd23b876e8eea5be",
      rows: 3088,
    },
    { name: "AI2D_MINI", split: "a part of test", url: `${HOST}/TEST/AI2D_MINI.tsv` },
  ],
};
