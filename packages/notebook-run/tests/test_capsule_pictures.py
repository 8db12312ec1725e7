"""Pictures are compared pixel by pixel."""

from __future__ import annotations

import pytest
from capsule_example import picture, png

from notebook_run.outputs.cell_outputs import picture_output
from notebook_run.outputs.pictures import Picture, decode_png, encode_png, picture_difference

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.mark.parametrize(
    "rows",
    [
        [b"\x00\x0a\x14\x1e", b"\x00\x14\x1e\x28"],
        [b"\x01\x0a\x0a\x0a", b"\x01\x14\x0a\x0a"],
        [b"\x00\x0a\x14\x1e", b"\x02\x0a\x0a\x0a"],
        [b"\x00\x0a\x14\x1e", b"\x03\x0f\x0a\x0a"],
        [b"\x00\x0a\x14\x1e", b"\x04\x0a\x0a\x0a"],
    ],
    ids=["none", "sub", "up", "average", "paeth"],
)
def test_every_filter_of_png_is_reversed(rows: list[bytes]) -> None:
    """The grey pixels are the same, whatever the filters of the rows."""
    grey = [[10, 20, 30], [20, 30, 40]]
    expected = tuple(b"".join(bytes((value, value, value, 255)) for value in row) for row in grey)
    assert decode_png(png(0, 3, 2, rows)) == Picture(width=3, height=2, rows=expected)


def test_paeth_prefers_left_to_an_equally_near_corner() -> None:
    """The specification defines the order of ties."""
    found = decode_png(png(0, 2, 2, [b"\x00\x14\x1e", b"\x04\xec\x28"]))
    assert found is not None and found.rows[1] == bytes((0, 0, 0, 255, 40, 40, 40, 255))


@pytest.mark.parametrize(
    ("colour", "row", "more"),
    [
        (2, b"\xff\x00\x00\x00\x00\xff", {}),
        (3, b"\x01\x00", {"PLTE": b"\x00\x00\xff\xff\x00\x00"}),
        (6, b"\xff\x00\x00\xff\x00\x00\xff\xff", {}),
    ],
    ids=["RGB", "palette", "RGBA"],
)
def test_colours_are_the_same_in_every_form(colour: int, row: bytes, more: dict[str, bytes]) -> None:
    """A picture saved with a palette has the hash of one saved in full colour."""
    file = png(colour, 2, 1, [b"\x00" + row], **more)
    assert picture_output(file).hash == picture([RED, BLUE]).hash


def test_metadata_of_a_file_is_ignored() -> None:
    """matplotlib writes its version into the file; another version may draw the same picture."""
    row = [b"\x00\xff\x00\x00"]
    files = [png(2, 1, 1, row, tEXt=b"Software\0matplotlib 3.10"), png(2, 1, 1, row, tEXt=b"Software\0matplotlib 3.11")]
    assert files[0] != files[1]
    assert picture_output(files[0]).hash == picture_output(files[1]).hash


def test_a_damaged_file_is_compared_by_its_bytes() -> None:
    """A file without readable pixels still has a hash, but no picture."""
    file = png(6, 2, 2, [b"\x00" * 9])
    assert decode_png(file) is None
    assert picture_output(file).hash != picture_output(file + b"x").hash


def test_differing_pixels_are_counted_and_shown_in_red() -> None:
    """One of four pixels differs, and the mask shows where."""
    before, after = picture([RED, RED], [RED, RED]).picture, picture([RED, RED], [BLUE, RED]).picture
    assert before and after
    found = picture_difference(before, after)
    assert found and (found.changed, found.total) == (1, 4)
    mask = decode_png(found.mask)
    assert mask and mask.rows[1][:4] == bytes((214, 40, 40, 255))
    assert mask.rows[0][:4] != bytes((214, 40, 40, 255))


def test_pictures_of_different_sizes_are_not_compared_by_pixel() -> None:
    """There is no number of pixels that differ."""
    first, second = Picture(width=1, height=1, rows=(b"1234",)), Picture(width=1, height=2, rows=(b"1234", b"1234"))
    assert picture_difference(first, second) is None


def test_an_encoded_picture_is_decoded_again() -> None:
    """Its pixels are the same."""
    shown = Picture(width=2, height=1, rows=(bytes(range(8)),))
    assert decode_png(encode_png(shown)) == shown
