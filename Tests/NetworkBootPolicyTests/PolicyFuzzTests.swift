// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBootProtocol
import StrictTOML
import TestSupport
import Testing

@testable import NetworkBootPolicy

/// 20,000 wrong policies; `LIFEBOAT_FUZZ_PACKETS=1000000` for more. What would trap ends the test.
@Suite("Wrong policies of every kind") struct PolicyFuzzTests {
  @Test("a policy that holds, or a reason with a place") func policies() throws {
    let whole = try FileTree.bytes(of: Repository.path("Fixtures/policies/site.toml"))
    // A table at a time: what changes is a larger part of it.
    let parts = String(decoding: whole, as: UTF8.self).split(separator: "\n\n").dropFirst()
      .map { Array("lifeboat-serve = 1\n\n\($0)\n".utf8) }
    let seeds = [whole] + parts
    var mutator = Mutator(seed: 11)
    var read = 0
    for index in 0..<Mutator.count {
      let bytes = mutator.mutate(seeds[index % seeds.count])
      let outcome = BootPolicyReader.read(bytes: bytes, file: "f", images: index.isMultiple(of: 2) ? ["tier1"] : nil)
      guard let policy = outcome.policy else {
        #expect(!outcome.diagnostics.isEmpty && !Diagnostic.render(outcome.diagnostics).isEmpty)
        continue
      }
      read += 1
      var view = ServerView()
      policy.apply(to: &view)
      #expect(policy.explanation.allSatisfy { !$0.isEmpty } && view.machines.count == policy.machines.count)
    }
    #expect(read > Mutator.count / 100 && read < Mutator.count)
  }
}
