// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import StrictTOML
import TestSupport
import Testing

@testable import RecoveryManifest

@Suite("Bad manifests") struct BadManifestTests {
  /// `bad/NAME.toml` must give exactly `bad/NAME.txt`. After a wanted change of a text, run the tests once with
  /// LIFEBOAT_UPDATE_GOLDENS=1 and read the difference before committing it.
  @Test("each mistake gives the agreed text", arguments: Fixture.badNames) func golden(name: String) throws {
    let (manifest, diagnostics) = ManifestReader.read(
      try Fixture.text("bad/\(name).toml"), file: "\(name).toml", catalogue: try Fixture.catalogue.get())
    #expect((manifest == nil) == diagnostics.contains { $0.severity == .error })
    #expect(!diagnostics.isEmpty)
    let rendered = Diagnostic.render(diagnostics) + "\n"
    if ProcessInfo.processInfo.environment["LIFEBOAT_UPDATE_GOLDENS"] == "1" {
      let golden = Fixture.folder.appendingPathComponent("bad/\(name).txt")
      try rendered.write(to: golden, atomically: true, encoding: .utf8)
    }
    #expect(rendered == (try? Fixture.text("bad/\(name).txt")))
  }

  @Test("every kind of mistake in a manifest has an example") func complete() throws {
    var seen: Set<Diagnostic.Code> = [.tooLong, .idMismatch]  // a file of a mebibyte; the catalogue's own
    for name in Fixture.badNames {
      let text = try Fixture.text("bad/\(name).toml")
      seen.formUnion(try Fixture.read(text).diagnostics.map(\.code))
    }
    #expect(seen == Diagnostic.Code.ofManifests)
  }

  @Test("every remedy is a sentence that begins with a verb") func remedies() throws {
    let verbs: Set = [
      "Add", "Choose", "Check", "Correct", "Give", "Install", "Keep", "Leave", "Let", "Make", "Move", "Name", "Remove",
      "Set", "Shorten", "Write",
    ]
    for name in Fixture.badNames {
      for diagnostic in try Fixture.read(Fixture.text("bad/\(name).toml")).diagnostics {
        let first = String(diagnostic.remedy.prefix { $0 != " " })
        #expect(verbs.contains(first), "\(diagnostic.remedy)")
        #expect(diagnostic.remedy.hasSuffix("."), "\(diagnostic.remedy)")
      }
    }
  }

  @Test("a damaged manifest never crashes the reader") func fuzz() throws {
    let catalogue = try Fixture.catalogue.get()
    let bytes = Array(try Fixture.text("rescue.toml").utf8)
    for end in stride(from: 0, to: bytes.count, by: 7) {
      judge(Array(bytes[..<end]), catalogue)
    }
    var random = SplitMix(seed: 1)
    for _ in 0..<400 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      judge(damaged, catalogue)
    }
  }

  /// Either a manifest or an error, and every place is one of the text.
  private func judge(_ bytes: [UInt8], _ catalogue: Catalogue) {
    let (manifest, diagnostics) = ManifestReader.read(bytes: bytes, file: "f", catalogue: catalogue)
    #expect((manifest == nil) == diagnostics.contains { $0.severity == .error })
    let lines = bytes.count { $0 == 0x0A } + 1
    for diagnostic in diagnostics {
      #expect((1...lines).contains(diagnostic.line))
      #expect(diagnostic.column >= 1)
      #expect(!diagnostic.rendered.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    }
  }
}
