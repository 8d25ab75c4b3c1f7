// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import DriveDiscovery
import HostSystem
import NetworkBoot
import NetworkBootPolicy
import Signing
import SystemPackage
import Testing

@testable import lifeboat

/// What the command line makes of a library's failure: an exit status, and words about verbs and options.
@Suite struct FailureWordsTests {
  /// As `docs/exit-statuses.md` has them, which never change.
  private static let statuses: [FailureKind: Int32] = [
    .partial: 1, .notAsPromised: 3, .writeFailed: 10, .verifyFailed: 11, .deviceGone: 12, .falseCapacity: 13,
    .writeProtected: 14, .refusedTarget: 15, .badRequest: 64, .badInput: 65, .noInput: 66, .unavailable: 69,
    .defect: 70, .systemLimit: 71, .cannotCreate: 73, .inputOutput: 74, .busy: 75, .interrupted: 130,
  ]

  @Test(arguments: FailureKind.allCases) func everyKindHasItsDocumentedStatus(_ kind: FailureKind) {
    #expect(lifeboat.ExitStatus(kind).rawValue == Self.statuses[kind])
  }

  private static let failures: [(any Diagnosable, String)] = [
    (NetworkBootFailure.imageNotChosen(names: ["a", "b"]), "--image"),
    (NetworkBootFailure.portTaken(.dhcp(67), interface: nil, holder: nil), "--mode site"),
    (NetworkBootFailure.notRunning("/run/admin.sock"), "lifeboat serve"),
    (NetworkBootPolicyFailure.noSuchNumber(4711), "lifeboat clients"),
    (Site.Failure.signatureUndecided, "--unsigned"), (Site.Failure.nothingPublished("/srv/site"), "lifeboat publish"),
    (DriveDiscoveryFailure.noSuchDrive(wanted: "sdz", near: []), "lifeboat devices --all"),
    (SigningFailure.keyNotEd25519("key.pub", type: "ssh-rsa"), "lifeboat key new"),
  ]

  @Test func theCommandLineSpeaksOfVerbsAndOptionsAndTheLibrariesDoNot() throws {
    for (failure, words) in Self.failures {
      let own = try #require(failure.remedy)
      #expect(!own.contains("--") && !own.contains("lifeboat "), "\(own)")
      #expect(ErrorReport(failure).remedy?.contains(words) == true, "\(ErrorReport(failure))")
    }
  }
}
