// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import TestSupport
import Testing

@testable import FlashMedia

@Suite struct ChecksumFileTests {
  private static let sum = String(repeating: "0a", count: 32)
  private static let other = String(repeating: "0b", count: 32)

  @Test(arguments: [
    "\(sum)", "\(sum)  a.iso\n", "\(sum) *a.iso\r\n", "\u{feff}\(sum)  a.iso\n", "# 5 bytes\n\n\(sum)  ./a.iso\n",
    "SHA256 (a.iso) = \(sum)\n", "SHA256(a.iso)= \(sum)\n", "MD5 (a.iso) = 0123\nSHA256 (a.iso) = \(sum)\n",
    "\(other)  b.iso\n\(sum)  a.iso\n",
    """
    -----BEGIN PGP SIGNED MESSAGE-----
    Hash: SHA512

    # a.iso: 5 bytes
    SHA256 (a.iso) = \(sum)
    -----BEGIN PGP SIGNATURE-----

    iQIzBAEBCgAdFiEE
    -----END PGP SIGNATURE-----
    """,
  ]) func theDigestOfAnImage(_ text: String) {
    let found = ChecksumFile.digest(text, for: ["a.iso"])
    #expect(found?.name == "a.iso" && found?.digest == Digest(hex: Self.sum), "\(text)")
  }

  @Test(arguments: [
    "", "hello", "\(sum)  b.iso\n", "SHA256 (b.iso) = \(sum)\n", "SHA512 (a.iso) = \(sum)\(sum)\n",
    "\(sum)  a.iso\n\(other)  a.iso\n", "\(sum.dropLast())  a.iso\n", "SHA256 (a.iso) = 12\n",
  ]) func whatSaysNothingAboutIt(_ text: String) { #expect(ChecksumFile.digest(text, for: ["a.iso"]) == nil) }

  /// What coreutils itself writes.
  @Test func sha256sumsTags() async throws {
    let folder = try TemporaryFolder()
    try folder.write("a b.iso", [UInt8]("x".utf8))
    let tagged = try await Tool.run("sha256sum", ["--tag", "a b.iso"], in: folder.path)
    #expect(ChecksumFile.digest(tagged.output, for: ["a b.iso"])?.digest == Digest(of: "x"))
  }
}
