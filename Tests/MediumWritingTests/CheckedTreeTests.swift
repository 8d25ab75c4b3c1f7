// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Testing

@testable import MediumWriting

@Suite struct CheckedTreeTests {
  private func failure(_ entries: [BootTree.Entry], bios: BootTree.BIOSBoot? = nil) -> ISOImage.Failure? {
    do {
      var tree = dataTree(entries)
      tree.biosBoot = bios
      _ = try CheckedTree(tree)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: ["", "/a", "a/", "a//b", ".", "a/..", "../a", "a/./b"])
  func refusesWhatIsNoRelativePath(path: String) {
    #expect(failure([.init(path, .bytes([]))]) == .entry(path: path, .notAPath))
  }

  @Test func refusesNUL() {
    #expect(failure([.init("a\0b", .bytes([]))]) == .entry(path: "a\0b", .nulCharacter))
  }

  @Test func countsNamesInBytes() {
    let fits = String(repeating: "é", count: 127) + "x"
    #expect(failure([.init(fits, .bytes([]))]) == nil)
    let long = String(repeating: "é", count: 128)
    #expect(failure([.init("d/\(long)/f", .bytes([]))]) == .entry(path: "d/\(long)/f", .nameTooLong(bytes: 256)))
  }

  @Test func refusesTwoEntriesOfOnePath() {
    #expect(failure([.init("a/b", .bytes([])), .init("a/b", .folder)]) == .entry(path: "a/b", .duplicate))
    #expect(failure([.init("a/b", .folder), .init("a/b", .folder)]) == .entry(path: "a/b", .duplicate))
  }

  @Test func keepsComposedAndDecomposedNamesApart() throws {
    let tree = try CheckedTree(dataTree([.init("\u{e9}", .bytes([])), .init("e\u{301}", .bytes([]))]))
    #expect(tree.fileCount == 2)
  }

  @Test func refusesEntriesBelowAFile() {
    #expect(failure([.init("a", .bytes([])), .init("a/b/c", .bytes([]))]) == .entry(path: "a", .notAFolder))
    #expect(failure([.init("a", .symbolicLink("x")), .init("a/b", .bytes([]))]) == .entry(path: "a", .notAFolder))
  }

  @Test func refusesLinkTargetsThatRockRidgeCannotSay() {
    let bad = ["", "a\0b", String(repeating: "n", count: 256), String(repeating: "abcd/", count: 205)]
    for target in bad { #expect(failure([.init("l", .symbolicLink(target))]) == .entry(path: "l", .badLinkTarget)) }
    #expect(failure([.init("l", .symbolicLink(String(repeating: "abcd/", count: 204)))]) == nil)
  }

  @Test func refusesPermissionsOutOfRange() {
    #expect(failure([.init("f", .bytes([]), permissions: 0o10000)]) == .entry(path: "f", .badPermissions))
  }

  @Test func reservesTheBootCatalogueOnlyWhereThereIsOne() {
    let image = BootTree.Entry("eltorito.img", .bytes([UInt8](repeating: 1, count: 4096)))
    let catalog = BootTree.Entry("boot.cat", .bytes([1]))
    #expect(failure([catalog]) == nil)
    let bios = BootTree.BIOSBoot(image: "eltorito.img", hybridMBR: nil)
    #expect(failure([catalog, image], bios: bios) == .entry(path: "boot.cat", .reserved))
  }

  @Test func judgesTheBootImage() {
    let bios = BootTree.BIOSBoot(image: "boot/e.img", hybridMBR: nil)
    #expect(failure([], bios: bios) == .tree(.bootImageMissing("boot/e.img")))
    #expect(
      failure([.init("boot/e.img", .bytes([UInt8](repeating: 0, count: 2559)))], bios: bios)
        == .entry(path: "boot/e.img", .badBootImage))
    #expect(failure([.init("boot/e.img", .symbolicLink("x"))], bios: bios) == .entry(path: "boot/e.img", .badBootImage))
    let short = BootTree.BIOSBoot(image: "boot/e.img", hybridMBR: [1, 2, 3])
    #expect(failure([], bios: short) == .tree(.hybridMBR(size: 3)))
  }

  @Test(arguments: ["", "lower", "WITH SPACE", "ÄÖ", String(repeating: "A", count: 33)])
  func refusesVolumeIdentifiers(name: String) {
    let tree = BootTree(volumeIdentifier: name, timestamp: 0, entries: [])
    #expect(throws: ISOImage.Failure.tree(.volumeIdentifier(name))) { _ = try CheckedTree(tree) }
  }

  @Test(arguments: [-1, 5_869_584_000])
  func refusesTimesThatAnISOCannotSay(time: Int64) {
    let tree = BootTree(volumeIdentifier: "A", timestamp: time, entries: [])
    #expect(throws: ISOImage.Failure.tree(.timestamp(time))) { _ = try CheckedTree(tree) }
  }

  @Test func makesFoldersAndKeepsTheirPermissions() throws {
    let tree = try CheckedTree(
      dataTree([.init("a/b/c", .bytes([])), .init("a/b", .folder, permissions: 0o700), .init("a-b", .bytes([]))]))
    let modes = Dictionary(uniqueKeysWithValues: tree.nodes.map { ($0.path, $0.permissions) })
    #expect(modes == ["a": 0o755, "a/b": 0o700, "a/b/c": 0o644, "a-b": 0o644])
    for (index, node) in tree.nodes.enumerated() { #expect(node.parent ?? -1 < index) }
  }

  @Test func remarksOnNamesThatReadersChange() throws {
    let long = String(repeating: "j", count: 104)
    let tree = try CheckedTree(
      dataTree([
        .init("a:b", .bytes([])), .init(long, .bytes([])), .init("fine 😀", .bytes([])),
        .init("x:y", .symbolicLink("z")),
        .init(String(repeating: "n", count: 254) + "/file", .bytes([])),
      ]))
    let deep = String(repeating: "n", count: 254)
    #expect(
      Set(tree.notes) == [
        .jolietName(path: "a:b"), .jolietName(path: long), .jolietName(path: deep), .longName(path: deep),
      ])
    #expect(tree.notes.allSatisfy { !$0.description.contains("\n") })
  }
}
