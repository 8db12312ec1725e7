"""What is inferred about the encoding of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_convert.inspection.dataset_inspection import inspect_path
from data_convert.inspection.dialects import sniffed_dialect
from data_convert.inspection.sniffing.encodings import SURE, guessed_encoding

JAPANESE = "氏名,住所,金額\n山田太郎,東京都千代田区,1200\n鈴木花子,大阪府大阪市,3400\n"
CHINESE = "姓名,城市,金额\n张伟,北京市朝阳区,1200\n王芳,上海市浦东新区,3400\n"
TRADITIONAL = "姓名,城市,金額\n陳大文,台北市信義區,1200\n林小美,高雄市前鎮區,3400\n"
KOREAN = "이름,도시,금액\n김철수,서울특별시,1200\n이영희,부산광역시,3400\n"
RUSSIAN = "имя,город,сумма\nИванов,Москва,1200\nПетрова,Санкт-Петербург,3400\n"
GREEK = "όνομα,πόλη,ποσό\nΓιώργος,Αθήνα,1200\nΜαρία,Θεσσαλονίκη,3400\n"
POLISH = "imię,miasto,kwota\nŁukasz Żółć,Łódź,1200\nAgnieszka Śliwińska,Gdańsk,3400\n"
CZECH = "jméno,město\nPetr Dvořák,Brno\nJiří Novák,Plzeň\nŽaneta Šťastná,Děčín\n"
FRENCH = "nom,ville,montant\nFrançois,Besançon,1200€\nÉlodie,Nîmes,3400€\nsœur,Orléans,5€\n"
GERMAN = "name,city\nMüller,Köln\nSchäfer,München\n"
ARABIC = "اسم,مدينة\nأحمد,القاهرة\nفاطمة,دمشق\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gb18030"),
        (CHINESE, "gb2312"),
        (TRADITIONAL, "big5"),
        (KOREAN, "euc_kr"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "iso8859-5"),
        (RUSSIAN, "cp866"),
        (GREEK, "iso8859-7"),
        (POLISH, "iso8859-2"),
        (POLISH, "cp1250"),
        (CZECH, "iso8859-2"),
        (CZECH, "cp1250"),
        (FRENCH, "iso8859-15"),
        (FRENCH, "cp1252"),
        (GERMAN, "cp1252"),
        (GERMAN, "mac_roman"),
        (ARABIC, "cp1256"),
    ],
)
def test_the_letters_speak_for_an_encoding(text: str, encoding: str) -> None:
    """The text is decoded as it was written, in this encoding or in a larger one."""
    guess = guessed_encoding(text.encode(encoding), is_whole=True)
    assert text.encode(encoding).decode(guess.name) == text
    assert 0 < guess.sureness < 1


def test_a_sure_encoding_is_named_with_an_example() -> None:
    """The user can check a word."""
    found = sniffed_dialect((RUSSIAN * 3).encode("koi8-r"), source="x.csv", is_whole=True)
    assert found.dialect.encoding == "koi8-r"
    assert found.notes[0].startswith(
        "the text is not UTF-8 and is read as koi8-r by its letters, such as 'имя' (sure to"
    )


def test_an_unsure_encoding_is_asked() -> None:
    """Turkish and Romanian letters share their bytes: both readings are shown."""
    guess = guessed_encoding("isim,şehir\nMustafa Şahin,İstanbul\nAyşe,Eskişehir\n".encode("cp1254"), is_whole=True)
    assert guess.sureness < SURE
    found = sniffed_dialect("ad,şehir\nAyşe,İstanbul\nGül,Eskişehir\n".encode("cp1254"), source="x", is_whole=True)
    assert "which is a guess: look at these letters" in found.notes[0]
    assert "cp1254" in found.notes[0]


@pytest.mark.parametrize(
    "head", [b"a,b\n1,\x00\n2,\x00\n3,\x00\n", b"a,b\n\x001,x\n\x002,y\n", b"\x00a,b\n1,2\n" * 20, b"1\x00,2\x00\n" * 9]
)
def test_zero_bytes_alone_are_no_utf_16(head: bytes) -> None:
    """In UTF-16 the line ends have two bytes, too."""
    assert guessed_encoding(head, is_whole=True).name == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["a,b\n1,2\n", "a,b\r\n1,é\r\n", JAPANESE, RUSSIAN])
def test_utf_16_without_a_mark_is_seen(text: str, encoding: str) -> None:
    """Letters beyond Latin have no zero bytes, but delimiters and line ends do."""
    assert guessed_encoding(text.encode(encoding), is_whole=True).name == encoding


def test_letters_far_behind_the_beginning_decide(tmp_path: Path) -> None:
    """The beginning is ASCII, so the letters that follow are looked at when UTF-8 is disproved."""
    text = (
        "id,name\n" + "1,abcdefghijklm\n" * 80_000 + RUSSIAN.split("\n", 1)[1].replace(",1200", "").replace(",3400", "")
    )
    (tmp_path / "a.csv").write_bytes(text.encode("cp1251"))
    found = inspect_path(tmp_path / "a.csv")
    assert found.dialect.encoding == "cp1251"
    assert found.notes[0] == "a.csv, line 80002: the first text that is not utf-8"
    assert found.columns[0].maximum == "Петрова"
