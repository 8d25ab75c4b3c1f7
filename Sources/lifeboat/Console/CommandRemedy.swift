// SPDX-License-Identifier: GPL-3.0-or-later
import BootSite
import DiscBurning
import DriveDiscovery
import FlashMedia
import HostSystem
import MediumReading
import MediumWriting
import NetworkBoot
import NetworkBootPolicy
import Signing

/// A library's failure whose remedy has better words here: libraries know no verbs and no options.
protocol CommandRemedy: Diagnosable {
  /// What to give on the command line; nil where the library's own remedy says all.
  var remedyByCommand: String? { get }
}

extension Diagnosable {
  /// What to do, in the words of the command line.
  var commandRemedy: String? { (self as? any CommandRemedy)?.remedyByCommand ?? remedy }
}

extension NetworkBootFailure: CommandRemedy {
  var remedyByCommand: String? {
    switch self {
    case .objectsMissing: "Publish the set again, or go back to the previous one: lifeboat publish --rollback"
    case .imageNotChosen: "Choose one with --image."
    case .portForbidden where remedy != nil:
      "Run it as root, or give it that one right: setpriv --inh-caps=+net_bind_service"
        + " --ambient-caps=+net_bind_service --reuid=USER --clear-groups lifeboat serve ..."
    case .portTaken(.http, _, _): "Stop that server, or choose another port with --http-port."
    case .portTaken(.dhcp, _, _):
      "Let this computer's DHCP server name the boot files, with --mode site; or choose another with --interface."
    case .export(.serverNotBuiltIn): "Publish all images again with --server, or export for one of those servers."
    case .adminSocketTaken: "Stop that service, or choose another socket with --admin."
    case .adminSocket: "Choose another place for it with --admin, of at most 107 bytes."
    case .notRunning: "Start it with \"lifeboat serve\"; name its socket with --admin if that is another."
    case .fullNeedsInterface: "Name it with --interface, and be sure that no other DHCP server is on that wire."
    case .badPool: "Choose addresses with --pool FIRST-LAST, or give the interface a larger subnet."
    case .otherDHCPServer: "Serve beside it, with --mode proxy, or take it off this wire."
    default: nil
    }
  }
}

extension NetworkBootPolicyFailure: CommandRemedy {
  var remedyByCommand: String? { Self.remedyByCommand(code) }

  fileprivate static func remedyByCommand(_ code: String) -> String? {
    switch code {
    case "no-such-machine": "Give a number that lifeboat clients shows, a MAC such as 52:54:00:12:34:56, or a UUID."
    case "no-such-number": "Ask for the number on the screen again; lifeboat clients lists those that wait."
    case "machine-list-full": "Forget some that are gone: lifeboat clients forget MAC"
    default: nil
    }
  }
}

/// The service refuses by the same codes as the library that it is made of.
extension AdminClient.Refusal: CommandRemedy {
  var remedyByCommand: String? { NetworkBootPolicyFailure.remedyByCommand(code) }
}

extension Site.Failure: CommandRemedy {
  var remedyByCommand: String? {
    switch self {
    case .mediumNotSigned: "Build it with the site's key: lifeboat build --sign KEY"
    case .noServers: "Give at least one, in the order to try them: --server http://192.0.2.10"
    case .signatureUndecided: "Give --sign KEY, or --unsigned if anybody may change what computers start."
    case .siteIsSigned: "Publish with --sign, or use another folder."
    case .nothingPublished: "Publish media first: lifeboat publish DIR --site SITE"
    case .indexUnreadable: "Go back to the previous set with --rollback, or publish into a new folder."
    case .indexNotTrusted: "Find out who changed the site; then go back with --rollback, or publish into a new folder."
    default: nil
    }
  }
}

extension DriveDiscoveryFailure: CommandRemedy {
  var remedyByCommand: String? {
    switch self {
    case .noSuchDrive: "See \"lifeboat devices --all\" for the drives and their names."
    case .severalDrives: "Name it by its path or by one of its stable names, which \"lifeboat devices --json\" shows."
    default: nil
    }
  }
}

extension FlashMediaFailure: CommandRemedy {
  var remedyByCommand: String? {
    switch self {
    case .refused(_, .blockSize): "Use --file-system fat32, which supports such blocks."
    case .data(.noTable): "Write it without --update and --data; that deletes any data partition on the drive."
    case .data(.inTheWay):
      "Copy the data partition's files elsewhere, then write the whole drive again: without --update, with --data."
    case .data(.blockSize): "Take another drive, or write without --data."
    default: nil
    }
  }
}

extension SigningFailure: CommandRemedy {
  var remedyByCommand: String? {
    switch self {
    case .keyNotEd25519: "Make a site key with: lifeboat key new"
    case .signatureAbsent: "Use a medium that was built with --sign."
    default: nil
    }
  }
}

extension MediumVerification.Failure: CommandRemedy {
  var remedyByCommand: String? { if case .notLifeboat = self { "Look at it with: lifeboat inspect" } else { nil } }
}

extension ISOReader.Failure: CommandRemedy {
  var remedyByCommand: String? {
    if case .noSuchFile = self { "List what the image holds with: lifeboat inspect" } else { nil }
  }
}

extension ISOImage.Failure: CommandRemedy {
  var remedyByCommand: String? {
    if case .target(_, .notAFile) = self { "Choose the name of a file; use “lifeboat write” for drives." } else { nil }
  }
}

extension DiscBurner.Failure: CommandRemedy {
  var remedyByCommand: String? {
    switch self {
    case .noSuchDrive: "List the drives with: lifeboat burn --list"
    case .notBlank(_, _, _, true):
      "Add --blank if what is on it may be lost (not with --simulate), or use a blank disc."
    case .cannotSimulate: "Leave --simulate out."
    case .verifyFailed: "Burn another disc, at a lower speed: --speed 4"
    default: nil
    }
  }
}
