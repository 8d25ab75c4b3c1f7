// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Testing

@Suite struct ByteCountTests {
  @Test(arguments: [
    (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "999.9 kB"), (1_000_000, "1.0 MB"),
    (231_407_616, "231.4 MB"), (4_700_000_000, "4.7 GB"), (2_000_398_934_016, "2.0 TB"),
    (5_000_000_000_000_000, "5000.0 TB"),
  ])
  func isShownAsDrivesAreSold(bytes: Int, text: String) {
    #expect(ByteCount(bytes).description == text)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (231_407_616, "231,407,616"), (-1234, "-1,234")])
  func isShownExactly(bytes: Int, text: String) {
    #expect(ByteCount(bytes).exact == text)
  }

  @Test func isABareNumberInJSON() throws {
    #expect(String(decoding: try JSONEncoder().encode([ByteCount(12)]), as: UTF8.self) == "[12]")
    #expect(try JSONDecoder().decode([ByteCount].self, from: Data("[12]".utf8)) == [ByteCount(12)])
  }
}
