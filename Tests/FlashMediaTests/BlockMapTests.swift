// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Testing

@testable import FlashMedia

/// Block maps are whatever lies beside an image: anybody's.
@Suite struct BlockMapTests {
  private func text(size: String = "8192", block: String = "4096", ranges: String = "", head: String = "") -> String {
    """
    <?xml version="1.0" ?>
    \(head)<!-- a comment with <tags> --><bmap version="2.0"><ImageSize> \(size) </ImageSize>
    <BlockSize>\(block)</BlockSize><ChecksumType>sha256</ChecksumType><BlockMap>\(ranges)</BlockMap></bmap>
    """
  }

  private func problem(_ text: String) -> BlockMap.Problem? {
    do throws(BlockMap.Problem) {
      _ = try BlockMap(Array(text.utf8))
      return nil
    } catch { return error }
  }

  @Test func aMapIsRead() throws {
    let sum = String(repeating: "ab", count: 32)
    let map = try BlockMap(
      Array(text(size: "8200", ranges: "<Range chksum='\(sum)'> 0-1 </Range>\n<Range>2</Range>").utf8))
    #expect(map.imageSize == 8200)
    #expect(map.mapped.map(\.range) == [0..<8192, 8192..<8200])
    #expect(map.mapped.map(\.digest) == [Digest(hex: sum), nil])
  }

  @Test(arguments: [
    ("<bmap version=\"3.0\"><ImageSize>1</ImageSize></bmap>", BlockMap.Problem.version("3.0")),
    ("<bmap version=\"2.0\"><BlockSize>4096</BlockSize></bmap>", .missing("ImageSize")),
    ("<bmap version=\"2.0\">", .syntax(line: 1, reason: "no element found")),
    ("", .syntax(line: 1, reason: "no element found")),
    (
      "<bmap version=\"1.3\"><ImageSize>4096</ImageSize><BlockSize>4096</BlockSize><BlockMap><Range sha1=\"0\">0</Range></BlockMap></bmap>",
      .checksumType("sha1")
    ),
  ]) func badMaps(_ text: String, _ problem: BlockMap.Problem) { #expect(self.problem(text) == problem) }

  /// Numbers whose products or sums have no room in 64 bits, and those that would cost the memory of a machine.
  @Test(arguments: ["9223372036854775807", "9223372036854775808", "4398046511105", "0", "-1", "1e3", ""])
  func sizesThatNoImageHas(_ size: String) {
    #expect(problem(text(size: size, ranges: "<Range>0-9223372036854775806</Range>")) == .badNumber("ImageSize"))
  }

  @Test(arguments: ["0", "511", "1073741825", "9223372036854775807", "-512"])
  func blocksThatNobodyMakes(_ block: String) { #expect(problem(text(block: block)) == .badNumber("BlockSize")) }

  @Test(arguments: [
    "<Range>0-2</Range>", "<Range>1</Range><Range>0</Range>", "<Range>0-1</Range><Range>1</Range>",
    "<Range>-1</Range>", "<Range>1-0</Range>", "<Range>0-9223372036854775807</Range>", "<Range>0-1-1</Range>",
    "<Range>9223372036854775807</Range>", "<Range/>",
  ]) func rangesThatAreNone(_ ranges: String) { #expect(problem(text(ranges: ranges)) == .ranges) }

  @Test func whatGrowsOrNestsIsRefused() {
    let laughs = "<!DOCTYPE bmap [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
    let long = String(repeating: "1", count: 2000)
    let deep = String(repeating: "<a>", count: 100_000)
    for text in [
      text(ranges: "<Range>&b;</Range>", head: laughs), text(size: long), text(ranges: deep),
      text() + String(repeating: " ", count: BlockMap.largestFile),
    ] {
      guard case .syntax = problem(text) else {
        Issue.record("\(text.prefix(200))")
        continue
      }
    }
  }
}
