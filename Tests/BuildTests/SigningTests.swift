// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

extension Builds {
  /// A medium that a site has signed, checked with Lifeboat and without.
  @Suite struct Signing {
    @Test func theSitesKeyAloneIsAcceptedAndOpenSSHAgrees() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      for key in ["site-key", "other-key"] {
        let made = try await workplace.lifeboat(["key", "new", key])
        #expect(made.status == 0, "\(made)")
      }
      let run = try await workplace.build(["--sign", "site-key"])
      #expect(try run.digest() != (try await ReferenceBuild.shared.digest()))

      let good = try await workplace.lifeboat(["verify", "out/aid-x64.iso", "--key", "site-key.pub"])
      #expect(good.status == 0 && good.output.contains("signed by SHA256:"), "\(good)")
      let bad = try await workplace.lifeboat(["verify", "out/aid-x64.iso", "--key", "other-key.pub"])
      #expect(bad.status == 3 && bad.errors.contains("lifeboat: error: "), "\(bad)")
      let unsigned = try await workplace.lifeboat(
        ["verify", try await ReferenceBuild.shared.medium().string, "--key", "site-key.pub"])
      #expect(unsigned.status == 3, "\(unsigned)")

      try await ExternalCommand(
        "osirrox", ["-indev", workplace.medium.string, "-extract", "/", workplace.folder.appending("all").string]
      ).run()
      // The way of the README.
      let script = """
        echo "lifeboat $(cat ../$1.pub)" >../allowed_signers
        ssh-keygen -Y verify -f ../allowed_signers -I lifeboat -n lifeboat -s lifeboat.json.sig <lifeboat.json
        sha256sum --quiet -c sha256sum.txt
        """
      func check(_ key: String) async throws -> Tool.Outcome {
        try await Tool.run("sh", ["-ec", script, "sh", key], in: workplace.folder.appending("all"))
      }
      let agreed = try await check("site-key")
      #expect(agreed.status == 0 && agreed.output.contains("Good \"lifeboat\" signature"), "\(agreed)")
      #expect(try await check("other-key").status != 0)
    }

    @Test func aKeyThatIsNotThereIsNamedBeforeAnythingIsBuilt() async throws {
      let workplace = try await ReferenceBuild.shared.workplace()
      workplace.forget("tools")
      let run = try await workplace.build(["--sign", "no-such-key"])
      #expect(run.status == 66, "\(run)")
      #expect(run.troubles.contains { $0.message.contains("no-such-key") && $0.remedy != nil }, "\(run)")
      #expect(workplace.steps("tools").isEmpty)
    }
  }
}
