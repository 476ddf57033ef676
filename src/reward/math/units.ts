/**
 * @module Units of measurement: which dimension each has and how large it is, so that 5 m = 500 cm but 5 m ≠ 5 cm.
 *
 * A unit is a product of base units with a rational factor. Things that are counted ("apples") are units of their own.
 */
import { own } from "../../core/own.js";
import { zip } from "../../core/zip.js";
import { MULTIPLIERS, NUMBER_WORDS } from "./numbers.js";
import type { Token } from "./tokens.js";

export interface Unit {
  /** Exact size in base units. */
  readonly top: bigint;
  readonly bottom: bigint;
  /** Base units and their powers, `m^1·s^-1`; `#` and the nouns for things; empty for plain counts ("units"). */
  readonly dimension: string;
}

interface Entry {
  readonly base: string;
  readonly power: number;
  readonly top: bigint;
  readonly bottom: bigint;
}

/** `names = top/bottom base^power`: spellings, exact size, base unit. Plurals and dots are added by the reader. */
const TABLE = `
nm nanometer nanometre = 1/1000000000 m
μm um micrometer micrometre micron = 1/1000000 m
mm millimeter millimetre = 1/1000 m
cm centimeter centimetre = 1/100 m
dm decimeter decimetre = 1/10 m
m meter metre = 1 m
km kilometer kilometre = 1000 m
in inch inches = 254/10000 m
ft foot feet = 3048/10000 m
yd yard = 9144/10000 m
mi mile = 1609344/1000 m
mg milligram = 1/1000000 kg
g gram = 1/1000 kg
kg kilogram = 1 kg
t ton tonne = 1000 kg
lb lbs pound = 45359237/100000000 kg
oz ounce = 45359237/1600000000 kg
ms millisecond = 1/1000 s
s sec second = 1 s
min minute = 60 s
h hr hour = 3600 s
d day = 86400 s
wk week = 604800 s
mo month = 1 month
y yr year = 12 month
ha hectare = 10000 m^2
acre = 40468564224/10000000 m^2
ml mL milliliter millilitre cc = 1/1000000 m^3
cl cL centiliter = 1/100000 m^3
l L liter litre ℓ = 1/1000 m^3
gal gallon = 3785411784/1000000000000 m^3
rad radian = 1 rad
N newton = 1 N
kN = 1000 N
J joule = 1 J
kJ kilojoule = 1000 J
cal calorie = 4184/1000 J
kcal kilocalorie = 4184 J
W watt = 1 W
kW kilowatt = 1000 W
MW megawatt = 1000000 W
V volt = 1 V
mV millivolt = 1/1000 V
kV kilovolt = 1000 V
A amp ampere = 1 A
mA milliamp milliampere = 1/1000 A
Ω ohm = 1 Ω
kΩ kiloohm = 1000 Ω
F farad = 1 F
C coulomb = 1 C
T tesla = 1 T
K kelvin = 1 K
°C celsius = 1 °C
°F fahrenheit = 1 °F
Hz hertz = 1 Hz
kHz kilohertz = 1000 Hz
MHz megahertz = 1000000 Hz
Pa pascal = 1 Pa
kPa kilopascal = 1000 Pa
atm atmosphere = 1 atm
mol mole = 1 mol
mph = 1609344/3600000 m s^-1
kph kmh = 1000/3600 m s^-1
bit = 1 bit
B byte = 8 bit
kB KB kilobyte = 8000 bit
MB megabyte = 8000000 bit
GB gigabyte = 8000000000 bit
$ dollar USD usd buck = 1 dollar
cent ¢ = 1/100 dollar
€ euro EUR = 1 euro
£ GBP = 1 sterling
¥ yen yuan RMB = 1 yuan
₹ rupee Rs = 1 rupee
unit = 1
piece = 1
`;

/** `1000/3600 m s^-1`: the factor goes with the first base unit; plain counts have none. */
function entriesOf(size: string): Entry[] {
  const [factor = "1", ...bases] = size.split(" ");
  const [top = "1", bottom = "1"] = factor.split("/");
  return (bases.length > 0 ? bases : [""]).map((base, at) => {
    const [name = "", power = "1"] = base.split("^");
    const [up, down] = at === 0 ? [top, bottom] : [1, 1];
    return { base: name, power: Number(power), top: BigInt(up), bottom: BigInt(down) };
  });
}

function readTable(): ReadonlyMap<string, readonly Entry[]> {
  const lines = TABLE.trim().split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [names = "", size = ""] = line.split(" = ");
      const entries = entriesOf(size);
      return names.split(" ").map((name) => [name, entries] as const);
    }),
  );
}

const UNITS = readTable();

/** Words after a number that count nothing: "5 more", "3 times". */
const NO_NOUNS = new Set(
  "more less fewer greater larger smaller times than over under above below and or not to from by at the a an is are as if then percent plus minus half third quarter thirds quarters fifths tenths least most only except per degree degrees deg percent pct".split(
    " ",
  ),
);
const MOST_NOUNS = 4;
/** Three letters that may be a word, and are no function: "cup", "egg". */
const SHORT_NOUN = /^(?!sin|cos|tan|log|exp|abs)(?=.*[aeiou])[a-z]{3}$/;

/** A noun, and what it may be many of: boxes of box (or of boxe), candies of candy; planes of plane, never of plan. */
function singularsOf(noun: string): readonly string[] {
  const [many, sibilant, candies] = [/(?<!s)s$/, /(?<=[sxzo]|ch|sh)es$/, /(?<![aeiou])ies$/];
  return [noun, noun.replace(many, ""), noun.replace(sibilant, ""), noun.replace(candies, "y")];
}

/** Whether two units measure, or count, the same; one or many of it. */
export function isSameDimension({ dimension: a }: Unit, { dimension: b }: Unit): boolean {
  if (!a.startsWith("#") || !b.startsWith("#")) return a === b;
  const [one, other] = [a.slice(1).split(" "), b.slice(1).split(" ")];
  const isSame = (noun: string, as: string) =>
    singularsOf(noun).some((word) => singularsOf(as).includes(word));
  return one.length === other.length && zip(one, other).every(([noun, as]) => isSame(noun, as));
}

/** A unit known by this spelling; plurals and, for words, any case. */
function lookUp(word: string): readonly Entry[] | undefined {
  const exact = UNITS.get(word);
  if (exact || word.length < 3) return exact;
  const known = singularsOf(word.toLowerCase()).find((name) => UNITS.has(name));
  return known === undefined ? undefined : UNITS.get(known);
}

/** The unit that one word or sign names. */
export function isUnitWord(word: string): boolean {
  return lookUp(word) !== undefined;
}

/** Reads the tokens of a unit one after another; `at` moves. */
interface Cursor {
  readonly tokens: readonly Token[];
  at: number;
}

/** `^2`, `^{2}`, `^{-1}`, or a 2 right behind ("cm2"); 1 without any. Null when it is no whole number. */
function readPower(cursor: Cursor): number | null {
  const { tokens } = cursor;
  const next = tokens[cursor.at];
  if (next?.kind === "number" && !next.isSpaced && /^[23]$/.test(next.text)) {
    cursor.at++;
    return Number(next.text);
  }
  if (next?.text !== "^") return 1;
  const isBraced = tokens[cursor.at + 1]?.text === "{";
  let at = cursor.at + (isBraced ? 2 : 1);
  const isNegative = tokens[at]?.text === "-";
  if (isNegative) at++;
  const digit = tokens[at++]?.text ?? "";
  if (!/^\d$/.test(digit) || (isBraced && tokens[at++]?.text !== "}")) return null;
  cursor.at = at;
  return isNegative ? -Number(digit) : Number(digit);
}

/** `°C` and the like are two tokens. */
function readName(cursor: Cursor): string | null {
  const token = cursor.tokens[cursor.at];
  if (!token) return null;
  const next = cursor.tokens[cursor.at + 1];
  if (token.text === "°" && next && /^(C|F|celsius|fahrenheit)$/i.test(next.text)) {
    cursor.at += 2;
    return next.text.length === 1 ? `°${next.text}` : next.text.toLowerCase();
  }
  if (token.kind === "number" || !isUnitWord(token.text)) return null;
  cursor.at++;
  if (cursor.tokens[cursor.at]?.text === "." && !cursor.tokens[cursor.at]?.isSpaced) cursor.at++;
  return token.text;
}

/** Multiplies units up. */
interface Product {
  top: bigint;
  bottom: bigint;
  readonly powers: Map<string, number>;
}

function include(product: Product, entries: readonly Entry[], power: number): void {
  for (const { base, power: own, top, bottom } of entries) {
    const size = BigInt(Math.abs(power));
    const [up, down] = power > 0 ? [top, bottom] : [bottom, top];
    product.top *= up ** size;
    product.bottom *= down ** size;
    if (base !== "") product.powers.set(base, (product.powers.get(base) ?? 0) + own * power);
  }
}

function finish({ top, bottom, powers }: Product): Unit {
  const dimension = [...powers]
    .filter(([, power]) => power !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([base, power]) => `${base}^${power}`)
    .join("·");
  return { top, bottom, dimension };
}

const PREFIX_POWERS: Readonly<Record<string, number>> = { square: 2, sq: 2, cubic: 3, cu: 3 };
const SUFFIX_POWERS: Readonly<Record<string, number>> = { squared: 2, cubed: 3 };

/** Known units only: "cm^2", "km/h", "square meters", "m·s^{-1}", "miles per hour". */
function measured(tokens: readonly Token[]): Unit | null {
  const cursor: Cursor = { tokens, at: 0 };
  const product: Product = { top: 1n, bottom: 1n, powers: new Map() };
  let sign = 1;
  while (cursor.at < tokens.length) {
    const prefix = own(PREFIX_POWERS, tokens[cursor.at]?.text.toLowerCase() ?? "") ?? 1;
    if (prefix > 1) {
      cursor.at++;
      if (tokens[cursor.at]?.text === ".") cursor.at++;
    }
    const name = readName(cursor);
    if (name === null) return null;
    const power = readPower(cursor);
    if (power === null) return null;
    const suffix = own(SUFFIX_POWERS, tokens[cursor.at]?.text ?? "") ?? 1;
    if (suffix > 1) cursor.at++;
    include(product, lookUp(name) ?? [], sign * prefix * power * suffix);
    const link = tokens[cursor.at]?.text;
    if (link === "/" || link === "per") sign = -1;
    if (link === "/" || link === "per" || link === "*") {
      cursor.at++;
      if (cursor.at === tokens.length) return null;
    }
  }
  return finish(product);
}

/** Things that are counted: one to four plain words, without "of". */
function counted(tokens: readonly Token[]): Unit | null {
  if (tokens.length > MOST_NOUNS || tokens.some(({ kind }) => kind !== "word")) return null;
  const words = tokens.map(({ text }) => text.toLowerCase());
  const nouns = words.filter((word) => word !== "of");
  const isPhrase = nouns.every(
    (word) => word.length > 2 && !NO_NOUNS.has(word) && !NUMBER_WORDS.has(word) && !MULTIPLIERS.has(word),
  );
  if (!isPhrase || !nouns.some((word) => word.length > 3 || SHORT_NOUN.test(word))) return null;
  return { top: 1n, bottom: 1n, dimension: `#${nouns.join(" ")}` };
}

/** The unit that these tokens name as a whole, or null. A sign of currency may be one too. */
export function unitOf(tokens: readonly Token[]): Unit | null {
  if (tokens.length === 0 || tokens.length > 12) return null;
  return measured(tokens) ?? counted(tokens);
}
