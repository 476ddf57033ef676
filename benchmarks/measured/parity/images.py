"""Writes tests/golden/image/images.json: small images of many kinds, and the RGB bytes that Pillow and transformers see.

    python benchmarks/measured/parity/images.py

Each image is opened with Pillow, turned upright by `ImageOps.exif_transpose` (as `transformers.image_utils.load_image`
and the `datasets` library turn them) and made RGB by `transformers.image_transforms.convert_to_rgb`. `refused` marks
files that Pillow cannot load. Bitmaps that Pillow does not write are put together here, byte by byte.
"""

import base64
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL
import transformers
from PIL import Image, ImageCms, ImageOps
from transformers.image_transforms import convert_to_rgb

TARGET = Path(__file__).resolve().parents[3] / "tests" / "golden" / "image" / "images.json"
COMMAND = "python benchmarks/measured/parity/images.py"
WIDTH, HEIGHT = 7, 5
RNG = np.random.default_rng(1)


def pattern(height: int, width: int, channels: int) -> np.ndarray:
    """Ramps, stripes and a hard edge; the fourth channel is a ramp from clear to opaque."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 17 + y * 5) % 256, ((x // 3 + y // 4) % 2) * 255, (x * x + 2 * y * y + 11 * x * y) % 256]
    planes.append(np.clip((x + y) * 255 // max(1, width + height - 2), 0, 255))
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exchanged_profile() -> bytes:
    """sRGB with the primaries of red and blue exchanged: whoever applies it exchanges the channels."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack(">I", profile[128:132])
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def oriented(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = number
    return exif


def common() -> dict[str, bytes]:
    rgb = Image.fromarray(pattern(HEIGHT, WIDTH, 3))
    rgba = Image.fromarray(pattern(HEIGHT, WIDTH, 4))
    grey = Image.fromarray(pattern(HEIGHT, WIDTH, 1)[..., 0])
    grey_alpha = Image.fromarray(pattern(HEIGHT, WIDTH, 4)[..., [0, 3]], "LA")
    palette = rgb.quantize(12)
    large = Image.fromarray(pattern(17, 23, 3))
    profile = exchanged_profile()
    files = {}
    for kind, options in {"png": {}, "webp": {"lossless": True}, "tiff": {}}.items():
        modes = {"rgb": rgb, "alpha": rgba, "grey": grey, "greyAlpha": grey_alpha}
        for mode, image in modes.items():
            files[f"{mode}.{kind}"] = encoded(image, kind.upper(), **options)
    for number in range(1, 9):
        files[f"exif{number}.jpg"] = encoded(rgb, "JPEG", quality=90, exif=oriented(number))
        files[f"exif{number}.png"] = encoded(rgba, "PNG", exif=oriented(number))
    for number in (3, 6, 7):
        files[f"exif{number}.webp"] = encoded(rgb, "WEBP", lossless=True, exif=oriented(number))
        files[f"exif{number}.tiff"] = encoded(rgb, "TIFF", exif=oriented(number))
    files["xmp6.jpg"] = encoded(rgb, "JPEG", quality=90, xmp=XMP)
    files["profile.png"] = encoded(rgb, "PNG", icc_profile=profile)
    files["profile.jpg"] = encoded(rgb, "JPEG", quality=90, icc_profile=profile)
    files["palette.png"] = encoded(palette, "PNG")
    files["paletteAlpha.png"] = encoded(palette, "PNG", transparency=bytes([0, 60, 128, 200, 255]))
    files["grey.jpg"] = encoded(grey, "JPEG", quality=90)
    for subsampling in (0, 1, 2):
        files[f"subsampling{subsampling}.jpg"] = encoded(large, "JPEG", quality=80, subsampling=subsampling)
    files["progressive.jpg"] = encoded(large, "JPEG", quality=80, progressive=True)
    files["lossy.webp"] = encoded(large, "WEBP", quality=80)
    files["bits.tiff"] = encoded(grey.point(lambda v: 255 * (v > 60), "1"), "TIFF", compression="group4")
    return files


def inks() -> dict[str, bytes]:
    files = {}
    colours = {
        "cyan": (255, 0, 0, 0),
        "magenta": (0, 255, 0, 0),
        "yellow": (0, 0, 255, 0),
        "black": (0, 0, 0, 255),
        "red": (0, 255, 255, 0),
        "mixed": (100, 30, 200, 70),
    }
    for name, colour in colours.items():
        image = Image.new("CMYK", (8, 8), colour)
        files[f"{name}.jpg"] = encoded(image, "JPEG", quality=95)
        files[f"{name}.tiff"] = encoded(image, "TIFF", compression="tiff_lzw")
    inked = Image.fromarray(pattern(HEIGHT, WIDTH, 4), "CMYK")
    files["inks.tiff"] = encoded(inked, "TIFF")
    files["inks.jpg"] = encoded(inked, "JPEG", quality=95, exif=oriented(6))
    return files


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(depth: int, colour: int, rows: list[bytes], extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + chunk(b"IEND", b"")


def depths() -> dict[str, bytes]:
    wide = RNG.integers(0, 65536, (HEIGHT, WIDTH, 4)).astype(">u2")
    plain = pattern(HEIGHT, WIDTH, 3)
    files = {
        "rgb16.png": png(16, 2, [row[:, :3].tobytes() for row in wide]),
        "alpha16.png": png(16, 6, [row.tobytes() for row in wide]),
        "greyAlpha16.png": png(16, 4, [row[:, :2].tobytes() for row in wide]),
        "clearColour.png": png(
            8, 2, [row.tobytes() for row in plain], chunk(b"tRNS", struct.pack(">HHH", *map(int, plain[3, 4])))
        ),
        "clearGrey.png": png(
            8, 0, [row[:, 0].tobytes() for row in plain], chunk(b"tRNS", struct.pack(">H", int(plain[2, 3, 0])))
        ),
        "gamma.png": png(8, 2, [row.tobytes() for row in plain], chunk(b"gAMA", struct.pack(">I", 100000))),
    }
    for bits in (1, 2, 4):
        length = (WIDTH * bits + 7) // 8
        rows = [RNG.bytes(length) for _ in range(HEIGHT)]
        files[f"grey{bits}.png"] = png(bits, 0, rows)
        files[f"palette{bits}.png"] = png(bits, 3, rows, chunk(b"PLTE", RNG.bytes(3 << bits)))
        clear = chunk(b"PLTE", RNG.bytes(3 << bits)) + chunk(b"tRNS", bytes([0, 128]))
        files[f"palette{bits}Alpha.png"] = png(bits, 3, rows, clear)
    return files


def animations() -> dict[str, bytes]:
    frames = [Image.fromarray(np.roll(pattern(HEIGHT, WIDTH, 3), shift, 1)) for shift in range(3)]
    clear = [Image.fromarray(np.roll(pattern(HEIGHT, WIDTH, 4), shift, 1)) for shift in range(3)]
    together = lambda images, kind, **options: encoded(
        images[0], kind, save_all=True, append_images=images[1:], **options
    )
    palette = frames[0].quantize(12)
    return {
        "moving.gif": together(frames, "GIF", duration=50),
        "movingAlpha.gif": together(clear, "GIF", duration=50),
        "clear.gif": encoded(palette, "GIF", transparency=3),
        "moving.webp": together(frames, "WEBP", duration=50, lossless=True),
        "movingAlpha.webp": together(clear, "WEBP", duration=50, lossless=True),
        "moving.png": together(frames, "PNG", duration=50),
        "cover.png": together(frames, "PNG", duration=50, default_image=True),
        "pages.tiff": together(frames, "TIFF"),
    }


def broken() -> dict[str, bytes]:
    photo = encoded(Image.fromarray(pattern(40, 56, 3)), "JPEG", quality=85)
    drawing = encoded(Image.fromarray(RNG.integers(0, 256, (17, 23, 3)).astype(np.uint8)), "PNG")
    moving = encoded(Image.fromarray(pattern(HEIGHT, WIDTH, 3)), "GIF")
    lossless = encoded(Image.fromarray(pattern(HEIGHT, WIDTH, 3)), "WEBP", lossless=True)
    scan = photo.index(b"\xff\xda")
    damaged, checked = bytearray(drawing), bytearray(drawing)
    damaged[len(drawing) // 2] ^= 0xFF
    checked[-14] ^= 1
    return {
        "trailing.jpg": photo + b"more" * 20,
        "stray.jpg": photo[:scan] + b"\0\1\2\3" + photo[scan:],
        "half.jpg": photo[: len(photo) // 2],
        "most.jpg": photo[:-30],
        "half.png": drawing[: len(drawing) // 2],
        "noEnd.png": drawing[:-12],
        "damaged.png": bytes(damaged),
        "wrongSum.png": bytes(checked),
        "half.gif": moving[: len(moving) * 2 // 3],
        "half.webp": lossless[: len(lossless) * 2 // 3],
        "words.png": b"no image at all",
    }


def header(bits: int, compression: int = 0, size: int = 40, masks: tuple = (), colours: int = 0, top: bool = False):
    height = -HEIGHT if top else HEIGHT
    core = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, compression, 0, 2835, 2835, colours, 0)
    fields = struct.pack(f"<{len(masks)}I", *masks)
    return core + fields if size == 40 else core + (fields + b"\0" * size)[: size - 40]


def bitmap(head: bytes, palette: bytes, rows: bytes) -> bytes:
    offset = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + head + palette + rows


def stored(rows: list[bytes]) -> bytes:
    """Bottom row first, each of whole groups of four bytes."""
    return b"".join(row + b"\0" * (-len(row) % 4) for row in rows[::-1])


def packed(indices: list[int], bits: int) -> bytes:
    text = "".join(format(index % (1 << bits), f"0{bits}b") for index in indices)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def colours(count: int, bytes_each: int = 4) -> bytes:
    return b"".join(bytes([i * 37 % 256, i * 91 % 256, i * 53 % 256, 0][:bytes_each]) for i in range(count))


def bitmaps() -> dict[str, bytes]:
    pixels = pattern(HEIGHT, WIDTH, 4)
    three = [row[:, 2::-1].tobytes() for row in pixels]
    four = [row[:, [2, 1, 0, 3]].tobytes() for row in pixels]
    two = [np.array([(x * 5 + y * 7) * 1237 & 0xFFFF for x in range(WIDTH)], "<u2").tobytes() for y in range(HEIGHT)]
    numbers = [[(x * 3 + y * 5) % 251 for x in range(WIDTH)] for y in range(HEIGHT)]
    eight = [bytes(row) for row in numbers]
    usual, alpha = (0xFF0000, 0xFF00, 0xFF), 0xFF000000
    os2 = lambda bits: struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, bits)
    runs = bytes([7, 5, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 3, 9, 4, 20, 0, 0, 2, 17, 0, 0, 0, 2, 3, 0, 4, 19, 0, 1])
    nibbles = bytes([7, 0x5A, 0, 0, 0, 7, 0x12, 0x34, 0x56, 0x70, 0, 0, 3, 0x9B, 4, 0xC1, 0, 0, 2, 0x77, 0, 0, 0, 2, 3, 0])
    nibbles += bytes([4, 0xE3, 0, 1])
    rgb, palette = Image.fromarray(pixels[..., :3]), Image.fromarray(pixels[..., :3]).quantize(12)
    grey = Image.fromarray(pixels[..., 0])
    files = {
        "24": bitmap(header(24), b"", stored(three)),
        "24-top": bitmap(header(24, top=True), b"", stored(three[::-1])),
        "32": bitmap(header(32), b"", stored(four)),
        "32-fields": bitmap(header(32, 3, masks=usual), b"", stored(four)),
        "32-alpha3": bitmap(header(32, 3, 56, (*usual, alpha)), b"", stored(four)),
        "32-alpha4": bitmap(header(32, 3, 108, (*usual, alpha)), b"", stored(four)),
        "32-alpha5": bitmap(header(32, 3, 124, (*usual, alpha)), b"", stored(four)),
        "32-swapped": bitmap(header(32, 3, 108, (*usual[::-1], alpha)), b"", stored(four)),
        "32-last": bitmap(header(32, 3, 108, (alpha, *usual[:2], 0)), b"", stored(four)),
        "32-plain5": bitmap(header(32, 0, 124), b"", stored(four)),
        "16": bitmap(header(16), b"", stored(two)),
        "16-565": bitmap(header(16, 3, masks=(0xF800, 0x7E0, 0x1F)), b"", stored(two)),
        "8": bitmap(header(8), colours(256), stored(eight)),
        "8-few": bitmap(header(8, colours=16), colours(16), stored([bytes(v % 16 for v in row) for row in numbers])),
        "4": bitmap(header(4), colours(16), stored([packed(row, 4) for row in numbers])),
        "1": bitmap(header(1), colours(2), stored([packed(row, 1) for row in numbers])),
        "os2-24": bitmap(os2(24), b"", stored(three)),
        "os2-8": bitmap(os2(8), colours(256, 3), stored(eight)),
        "os2-64": bitmap(header(24, 0, 64), b"", stored(three)),
        "runs8": bitmap(header(8, 1, colours=32), colours(32), runs),
        "runs4": bitmap(header(4, 2), colours(16), nibbles),
        "written-24": encoded(rgb, "BMP"),
        "written-palette": encoded(palette, "BMP"),
        "written-1": encoded(grey.point(lambda v: 255 * (v > 60), "1"), "BMP"),
        "cut": bitmap(header(24), b"", stored(three))[:-40],
        "cut-header": bitmap(header(24), b"", stored(three))[:30],
        "no-padding": bitmap(header(24), b"", stored(three))[:-3],
    }
    return {f"{name}.bmp": data for name, data in files.items()}


def case(name: str, data: bytes) -> dict:
    text = lambda raw: base64.b64encode(raw).decode()
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
        rgb = convert_to_rgb(ImageOps.exif_transpose(image), return_numpy=True)
    except (OSError, SyntaxError):
        return {"name": name, "bytes": text(data), "refused": True}
    height, width, _ = rgb.shape
    return {"name": name, "bytes": text(data), "width": width, "height": height, "rgb": text(rgb.tobytes())}


def main() -> None:
    groups = [common(), inks(), depths(), animations(), broken(), bitmaps()]
    golden = {
        "command": COMMAND,
        "pillow": PIL.__version__,
        "transformers": transformers.__version__,
        "images": [case(name, data) for group in groups for name, data in group.items()],
    }
    lines = ",\n".join(json.dumps(image, separators=(",", ":")) for image in golden.pop("images"))
    head = json.dumps(golden)[:-1]
    TARGET.write_text(f'{head}, "images": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
