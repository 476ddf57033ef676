/**
 * @module How wide a text is in Helvetica or Arial, for drawing without a browser: margins, legends and labels are laid
 * out by it.
 */

/** Thousandths of the font size, and the characters that are so wide. */
const WIDTHS: Readonly<Record<number, string>> = {
  222: "'ijl",
  260: "|",
  278: " !,./:;I[\\]ft·",
  333: "()-`r{}",
  355: '"',
  389: "*",
  469: "^",
  500: "Jcksvxyz",
  556: "#$0123456789?L_abdeghnopqu–",
  584: "+<=>~−×÷±",
  611: "FTZ",
  667: "&ABEKPSVXY",
  722: "CDHNRUw",
  778: "GOQ",
  833: "Mm",
  889: "%",
  944: "W",
  1000: "…→—",
  1015: "@",
};

/** Signs that are not listed are as wide as most letters. */
const OTHER = 556;

const WIDTH_OF: ReadonlyMap<string, number> = new Map(
  Object.entries(WIDTHS).flatMap(([width, signs]) =>
    [...signs].map((sign) => [sign, Number(width)] as const),
  ),
);

/** Width in the unit of `fontSize`. */
export function textWidth(text: string, fontSize: number): number {
  const thousandths = [...text].reduce((sum, sign) => sum + (WIDTH_OF.get(sign) ?? OTHER), 0);
  return (thousandths * fontSize) / 1000;
}
