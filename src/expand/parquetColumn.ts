/**
 * @module A copy of a Parquet file with one more column of string lists. The other columns are copied byte for byte,
 * compressed as they are: nothing in them is decoded, so nothing can change, and images need no memory.
 */
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type ColumnChunk,
  type FileMetaData,
  type KeyValue,
  parquetMetadata,
  parquetMetadataAsync,
  type SchemaElement,
} from "hyparquet";
import { fileWriter, ParquetWriter, parquetWriteBuffer } from "hyparquet-writer";
import { DataError, messageOf } from "../core/errors.js";

type ParquetFileWriter = ParquetWriter["writer"];

const COPIED_AT_ONCE = 8 * 1024 * 1024;

/** A list of strings as Parquet spells it. */
export function stringListSchema(name: string): SchemaElement[] {
  return [
    {
      name,
      repetition_type: "OPTIONAL",
      num_children: 1,
      converted_type: "LIST",
      logical_type: { type: "LIST" },
    },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    {
      name: "element",
      type: "BYTE_ARRAY",
      repetition_type: "OPTIONAL",
      converted_type: "UTF8",
      logical_type: { type: "STRING" },
    },
  ];
}

/** Elements of the subtree that starts at `at`. */
function subtreeSize(schema: readonly SchemaElement[], at: number): number {
  let size = 1;
  for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) {
    size += subtreeSize(schema, at + size);
  }
  return size;
}

/** The schema without the old column, if there is one, and with the new one last. */
function schemaWith(schema: readonly SchemaElement[], name: string): SchemaElement[] {
  const [root, ...rest] = schema;
  const kept: SchemaElement[] = [];
  let columns = 1;
  for (let at = 0; at < rest.length; ) {
    const size = subtreeSize(rest, at);
    if (rest[at]?.name !== name) {
      kept.push(...rest.slice(at, at + size));
      columns++;
    }
    at += size;
  }
  return [{ ...root, name: root?.name ?? "root", num_children: columns }, ...kept, ...stringListSchema(name)];
}

/** The `datasets` library decodes columns by its own entry; Arrow's copy of the schema would contradict the new one. */
function keyValuesWith(pairs: readonly KeyValue[] | undefined, name: string): KeyValue[] | undefined {
  return pairs
    ?.filter(({ key }) => key !== "ARROW:schema")
    .map(({ key, value }) =>
      key === "huggingface" && value ? { key, value: withFeature(value, name) } : { key, value: value ?? "" },
    );
}

function withFeature(text: string, name: string): string {
  try {
    const json = JSON.parse(text) as { info?: { features?: Record<string, unknown> } };
    if (!json.info?.features) return text;
    const feature = { feature: { dtype: "string", _type: "Value" }, _type: "Sequence" };
    const features = { ...json.info.features, [name]: feature };
    return JSON.stringify({ ...json, info: { ...json.info, features } });
  } catch {
    return text;
  }
}

/** Copies a column's pages; returns where they stand. Indexes and Bloom filters, which lie elsewhere, are left out. */
async function copyChunk(
  from: AsyncBuffer,
  chunk: ColumnChunk,
  writer: ParquetFileWriter,
): Promise<ColumnChunk> {
  const meta = chunk.meta_data;
  if (!meta || chunk.file_path)
    throw new DataError("expand: unsupported Parquet file: a column lies elsewhere");
  const dictionary = meta.dictionary_page_offset || undefined;
  const start = dictionary && dictionary < meta.data_page_offset ? dictionary : meta.data_page_offset;
  const shift = BigInt(writer.offset) - start;
  const end = Number(start + meta.total_compressed_size);
  for (let at = Number(start); at < end; at += COPIED_AT_ONCE) {
    writer.appendBytes(new Uint8Array(await from.slice(at, Math.min(end, at + COPIED_AT_ONCE))));
  }
  const { bloom_filter_offset: _, bloom_filter_length: __, index_page_offset: ___, ...kept } = meta;
  return {
    file_offset: 0n,
    meta_data: {
      ...kept,
      data_page_offset: meta.data_page_offset + shift,
      ...(dictionary ? { dictionary_page_offset: dictionary + shift } : {}),
    },
  };
}

/** A Parquet file in memory with nothing but this column, as one row group. */
function columnFile(name: string, data: readonly (readonly string[])[]) {
  const schema = [{ name: "schema", num_children: 1 }, ...stringListSchema(name)];
  const columnData = [{ name, data: [...data] }];
  const buffer = parquetWriteBuffer({ columnData, schema, rowGroupSize: Math.max(1, data.length) });
  const file: AsyncBuffer = {
    byteLength: buffer.byteLength,
    slice: (start, end) => buffer.slice(start, end),
  };
  return { file, metadata: parquetMetadata(buffer) };
}

interface ParquetSource {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
}

async function openSource(path: string): Promise<ParquetSource> {
  try {
    const file = await asyncBufferFromFile(path);
    return { file, metadata: await parquetMetadataAsync(file, { geoparquet: false }) };
  } catch (cause) {
    throw new DataError(`${path}: cannot read the Parquet file: ${messageOf(cause)}`, { cause });
  }
}

async function writeGroups(
  from: ParquetSource,
  out: ParquetWriter,
  name: string,
  listOf: (row: number) => readonly string[],
): Promise<void> {
  let row = 0;
  for (const group of from.metadata.row_groups) {
    const rows = Number(group.num_rows);
    const begin = out.writer.offset;
    const columns: ColumnChunk[] = [];
    for (const chunk of group.columns) {
      if (chunk.meta_data?.path_in_schema[0] === name) continue;
      columns.push(await copyChunk(from.file, chunk, out.writer));
    }
    const first = row;
    const added = columnFile(
      name,
      Array.from({ length: rows }, (_, at) => listOf(first + at)),
    );
    for (const chunk of added.metadata.row_groups[0]?.columns ?? []) {
      columns.push(await copyChunk(added.file, chunk, out.writer));
    }
    const sizes = columns.map(({ meta_data }) => meta_data?.total_uncompressed_size ?? 0n);
    out.row_groups.push({
      columns,
      num_rows: group.num_rows,
      total_byte_size: sizes.reduce((sum, size) => sum + size, 0n),
      total_compressed_size: BigInt(out.writer.offset - begin),
    });
    out.num_rows += group.num_rows;
    row += rows;
  }
}

/**
 * Copies `from` to `to` with the column `name`, which replaces one of that name.
 * @param listOf of the row with this number, from 0
 * @throws DataError when `from` is no whole Parquet file
 */
export async function copyWithColumn(
  from: string,
  to: string,
  name: string,
  listOf: (row: number) => readonly string[],
): Promise<void> {
  const source = await openSource(from);
  const { schema, key_value_metadata: pairs, created_by: createdBy } = source.metadata;
  const kvMetadata = keyValuesWith(pairs, name);
  const out = new ParquetWriter({
    writer: fileWriter(to),
    schema: schemaWith(schema, name),
    ...(kvMetadata ? { kvMetadata } : {}),
    ...(createdBy ? { createdBy } : {}),
  });
  await writeGroups(source, out, name, listOf);
  await out.finish();
}
