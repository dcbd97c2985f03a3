#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""ESP (RFC 4303) for tests: key files of Weir, and two engines that nobody of Weir's ESP code wrote.

esp_codec.py keys CIPHER WORKERS FILE [SPI]   writes a key file (mode 600); SPI: of worker 0's `out` (0x1001)
esp_codec.py tshark CIPHER REMOTE LOCAL FILE  prints lines for Wireshark's esp_sa, both directions

Engine `scapy` is scapy.layers.ipsec as it is; `cryptography` calls python3-cryptography itself and is some four
times as fast. Scapy 2.5 knows no extended sequence numbers with AES-CBC + HMAC and does not keep the padding it took
off: for these two the engine `scapy` falls back on the other's."""
import hmac
import os
import secrets
import socket
import struct
import sys
from collections import namedtuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, IPSecIntegrityError, SecurityAssociation
from scapy.packet import raw

ICV = 16
CIPHERS = {  # bytes of key with salt, bytes of authentication key
    "aes-gcm-128": (20, 0),
    "aes-gcm-256": (36, 0),
    "aes-cbc-128-sha256": (16, 32),
    "aes-cbc-256-sha256": (32, 32),
}
Key = namedtuple("Key", "worker out spi key auth")
Plain = namedtuple("Plain", "data next_header padding iv")


class Bad(Exception):
    """A packet that is refused; its argument names the counter."""


def read_keys(path, cipher):
    """Associations of a key file: WORKER in|out SPI KEY [AUTH], as Weir sees them."""
    want = CIPHERS[cipher]
    keys = []
    with open(path, encoding="ascii") as text:
        for number, line in enumerate(text, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if len(words) != 5 - (want[1] == 0) or words[1] not in ("in", "out"):
                raise ValueError(f"{path}:{number}: not WORKER in|out SPI KEY [AUTH]")
            key, auth = bytes.fromhex(words[3]), bytes.fromhex(words[4] if want[1] else "")
            if (len(key), len(auth)) != want:
                raise ValueError(f"{path}:{number}: key lengths for {cipher} are {want}")
            keys.append(Key(int(words[0]), words[1] == "out", int(words[2], 0), key, auth))
    return keys


def write_keys(cipher, workers, path, spi=0x1001):
    key_len, auth_len = CIPHERS[cipher]
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as text:
        for worker in range(workers):
            for way, at in (("out", spi), ("in", spi + 0x1000)):
                auth = " " + secrets.token_hex(auth_len) if auth_len else ""
                print(f"{worker} {way} {at + worker:#010x} {secrets.token_hex(key_len)}{auth}", file=text)


def tshark_lines(cipher, remote, local, path):
    """Lines of Wireshark's esp_sa table; `remote` is Weir."""
    for k in read_keys(path, cipher):
        src, dst = (remote, local) if k.out else (local, remote)
        family = "IPv6" if ":" in src else "IPv4"
        kind, auth = "AES-GCM with 16 octet ICV [RFC4106]", '"NULL",""'
        if k.auth:
            kind, auth = "AES-CBC [RFC3602]", f'"HMAC-SHA-256-128 [RFC4868]","0x{k.auth.hex()}"'
        print(f'"{family}","{src}","{dst}","{k.spi:#010x}","{kind}","0x{k.key.hex()}",{auth}')


class Direct:
    """One association by python3-cryptography."""

    def __init__(self, key, mode, local, remote, esn):
        self.esn, self.spi, self.mode = esn, key.spi, mode
        self.local, self.remote = local, remote
        self.gcm = not key.auth
        self.key, self.auth = key.key, key.auth
        if self.gcm:
            self.salt, self.aead = key.key[-4:], aead.AESGCM(key.key[:-4])
        self.iv_len = 8 if self.gcm else 16
        self.align = 4 if self.gcm else 16

    def _aad(self, seq):
        if self.esn:  # RFC 4106 5: SPI, high and low bits
            return struct.pack("!IQ", self.spi, seq)
        return struct.pack("!II", self.spi, seq & 0xFFFFFFFF)

    def _icv(self, esp, seq):
        if self.esn:  # RFC 4303 2.2.1: the high bits follow what is sent
            esp += struct.pack("!I", seq >> 32)
        return hmac.digest(self.auth, esp, "sha256")[:ICV]

    def text(self, esp, seq):
        """What was encrypted: payload, padding, length of padding, next header."""
        if len(esp) < 8 + self.iv_len + self.align + ICV or (len(esp) - 8 - self.iv_len - ICV) % self.align:
            raise Bad("short")
        iv, body = esp[8:8 + self.iv_len], esp[8 + self.iv_len:]
        if self.gcm:
            try:
                return iv, self.aead.decrypt(self.salt + iv, body, self._aad(seq))
            except InvalidTag:
                raise Bad("auth_failures") from None
        if not hmac.compare_digest(self._icv(esp[:-ICV], seq), esp[-ICV:]):
            raise Bad("auth_failures")
        opener = Cipher(algorithms.AES(self.key), modes.CBC(iv)).decryptor()
        return iv, opener.update(body[:-ICV]) + opener.finalize()

    def open(self, esp, seq):
        iv, text = self.text(esp, seq)
        pad = text[-2]
        if pad + 2 > len(text):
            raise Bad("bad_padding")
        return Plain(text[:len(text) - pad - 2], text[-1], text[len(text) - pad - 2:-2], iv)

    def seal(self, inner, next_header, seq):
        pad = -(len(inner) + 2) % self.align
        text = inner + bytes(range(1, pad + 1)) + bytes((pad, next_header))
        head = struct.pack("!II", self.spi, seq & 0xFFFFFFFF)
        iv = os.urandom(self.iv_len)
        if self.gcm:
            return head + iv + self.aead.encrypt(self.salt + iv, text, self._aad(seq))
        closer = Cipher(algorithms.AES(self.key), modes.CBC(iv)).encryptor()
        esp = head + iv + closer.update(text) + closer.finalize()
        return esp + self._icv(esp, seq)


class Scapy(Direct):
    """One association by scapy's SecurityAssociation."""

    def __init__(self, key, mode, local, remote, esn):
        super().__init__(key, mode, local, remote, esn)
        self.by_hand = bool(key.auth) and esn
        self.cls = IPv6 if ":" in local else IP
        tunnel = self.cls(src=local, dst=remote) if mode == "tunnel" else None
        if self.gcm:
            algo = {"crypt_algo": "AES-GCM", "esn_en": esn}
        else:
            algo = {"crypt_algo": "AES-CBC", "auth_algo": "SHA2-256-128", "auth_key": key.auth}
        self.sa = SecurityAssociation(ESP, spi=key.spi, crypt_key=key.key, tunnel_header=tunnel, **algo)

    def open(self, esp, seq):
        plain = super().open(esp, seq)
        if self.by_hand:
            return plain
        family = {"nh": socket.IPPROTO_ESP} if self.cls is IPv6 else {"proto": socket.IPPROTO_ESP}
        packet = self.cls(raw(self.cls(src=self.remote, dst=self.local, **family) / esp))
        try:
            inner = self.sa.decrypt(packet, esn=seq >> 32)
        except IPSecIntegrityError:
            raise Bad("auth_failures") from None
        if self.mode == "tunnel":
            data = raw(inner)
        else:
            data = raw(inner.payload)
        if data != plain.data:
            raise Bad("engines_differ")
        return plain._replace(data=data)

    def seal(self, inner, next_header, seq):
        if self.by_hand:
            return super().seal(inner, next_header, seq)
        if self.mode == "tunnel":
            packet = (IPv6 if next_header == socket.IPPROTO_IPV6 else IP)(inner)
        else:
            family = {"nh": next_header} if self.cls is IPv6 else {"proto": next_header}
            packet = self.cls(raw(self.cls(src=self.local, dst=self.remote, **family) / inner))
        sealed = self.sa.encrypt(packet, seq_num=seq & 0xFFFFFFFF, esn=seq >> 32)
        return raw(sealed[ESP])


ENGINES = {"scapy": Scapy, "cryptography": Direct}


def main(argv):
    if len(argv) in (4, 5) and argv[0] == "keys" and argv[1] in CIPHERS:
        write_keys(argv[1], int(argv[2]), argv[3], int(argv[4], 0) if len(argv) == 5 else 0x1001)
    elif len(argv) == 5 and argv[0] == "tshark" and argv[1] in CIPHERS:
        tshark_lines(*argv[1:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
