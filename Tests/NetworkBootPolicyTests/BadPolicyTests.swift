// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import NetworkBootProtocol
import StrictTOML
import SystemPackage
import TestSupport
import Testing

@testable import NetworkBootPolicy

@Suite("Bad policies") struct BadPolicyTests {
  private static let folder = Repository.root.appending("Fixtures/policies/bad")
  private static let names = FileTree.names(in: folder).filter { $0.hasSuffix(".toml") }.map { String($0.dropLast(5)) }

  private func read(_ name: String) throws -> (policy: BootPolicy?, diagnostics: [Diagnostic]) {
    let bytes = try FileTree.bytes(of: Self.folder.appending("\(name).toml"))
    return BootPolicyReader.read(bytes: bytes, file: "\(name).toml", images: ["tier1", "tier2"])
  }

  @Test("each mistake gives the agreed text", arguments: names) func golden(name: String) throws {
    let (policy, diagnostics) = try read(name)
    #expect((policy == nil) == diagnostics.contains { $0.severity == .error })
    #expect(!diagnostics.isEmpty)
    #expect(try Golden.difference(Diagnostic.render(diagnostics) + "\n", "Fixtures/policies/bad/\(name).txt") == nil)
  }

  @Test("every kind of mistake has an example") func complete() throws {
    let own: Set<Diagnostic.Code> = [.imageNotInSet, .noCondition, .duplicateMachine, .neverReached]
    var seen: Set<Diagnostic.Code> = []
    for name in Self.names { seen.formUnion(try read(name).diagnostics.map(\.code)) }
    #expect(own.isSubset(of: seen))
    let general: Set<Diagnostic.Code> = [.syntax, .unsupportedVersion, .unknownKey, .wrongType, .missingKey, .badValue]
    #expect(general.isSubset(of: seen))
  }

  @Test("every remedy is a sentence that begins with a verb") func remedies() throws {
    let verbs: Set = ["Add", "Choose", "Correct", "Install", "Move", "Remove", "Shorten", "Write"]
    for name in Self.names {
      for diagnostic in try read(name).diagnostics {
        #expect(verbs.contains(String(diagnostic.remedy.prefix { $0 != " " })), "\(diagnostic.remedy)")
        #expect(diagnostic.remedy.hasSuffix("."), "\(diagnostic.remedy)")
      }
    }
  }

  @Test("a damaged policy never crashes the reader") func fuzz() {
    let bytes = Array(BootPolicySchema.example.utf8)
    var random = SplitMix(seed: 1)
    for _ in 0..<400 {
      var damaged = bytes
      damaged[Int.random(in: damaged.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      damaged.removeLast(Int.random(in: 0...20, using: &random))
      let (policy, diagnostics) = BootPolicyReader.read(bytes: damaged, file: "f", images: nil)
      #expect((policy == nil) == diagnostics.contains { $0.severity == .error }, "\(damaged)")
    }
  }
}
