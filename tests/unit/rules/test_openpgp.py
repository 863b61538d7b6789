"""Detached signatures, verified as `gpg` made them; without gpg these tests are skipped."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from postern.rules.channel_policy import read_fingerprint
from postern.rules.openpgp import SignatureError, read_keys, verify
from tests.conformance.spamassassin_rules import rules_folder
from tests.gnupg import Signer

DOCUMENT = b"body RULE /word/\n" * 100

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:  # gpg's socket needs a short path
        yield Signer(Path(folder))


@pytest.mark.parametrize("armor", [True, False])
@pytest.mark.parametrize("digest", ["SHA256", "SHA384", "SHA512"])
def test_what_gpg_signs_verifies(signer: Signer, armor: bool, digest: str) -> None:
    keys = read_keys(signer.public_key(armor=armor))
    assert [key.fingerprint for key in keys] == [signer.fingerprint]
    made = signer.sign(DOCUMENT, armor=armor, digest=digest)
    assert verify(DOCUMENT, made, keys).fingerprint == signer.fingerprint


def test_a_changed_document_does_not_verify(signer: Signer) -> None:
    keys, made = read_keys(signer.public_key()), signer.sign(DOCUMENT)
    with pytest.raises(SignatureError, match="changed"):
        verify(DOCUMENT + b" ", made, keys)
    with pytest.raises(SignatureError):
        verify(DOCUMENT, made, ())


def test_sha_1_is_refused(signer: Signer) -> None:
    with pytest.raises(SignatureError, match="SHA-256"):
        verify(DOCUMENT, signer.sign(DOCUMENT, digest="SHA1"), read_keys(signer.public_key()))


def test_damage_is_told_and_never_more_than_that(signer: Signer) -> None:
    keys, chance = read_keys(signer.public_key()), random.Random(4)  # noqa: S311 - damages octets
    for good, use in ((signer.sign(DOCUMENT, armor=False), "signature"), (signer.public_key(armor=False), "key")):
        for _ in range(300):
            bad = bytearray(good[: chance.randrange(1, len(good) + 1)])
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
            try:
                verify(DOCUMENT, bytes(bad), keys) if use == "signature" else read_keys(bytes(bad))
            except SignatureError:
                continue


@pytest.mark.parametrize(
    "rubbish", [b"", b"rubbish", b"\xff", b"\x88", b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END"]
)
def test_rubbish_is_refused(rubbish: bytes) -> None:
    with pytest.raises(SignatureError):
        read_keys(rubbish)


def test_the_key_of_spamassassins_channel_can_be_read() -> None:
    folder = rules_folder()
    if folder is None:
        pytest.skip("SpamAssassin's rule files are not here")
    found = [key.fingerprint for key in read_keys((folder / "sa-update-pubkey.txt").read_bytes())]
    assert "0C2B1D7175B852C64B3CDC716C55397824F434CE" in found


def test_fingerprints_are_read_as_people_write_them() -> None:
    written = "0C2B 1D71 75B8 52C6 4B3C  DC71 6C55 3978 24F4 34CE"
    assert read_fingerprint(written) == read_fingerprint(written.replace(" ", "").lower())
    with pytest.raises(ValueError, match="40 hexadecimal"):
        read_fingerprint("24F434CE")
