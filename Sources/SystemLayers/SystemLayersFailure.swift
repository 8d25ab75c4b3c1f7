// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Why layers could not be made.
public enum SystemLayersFailure: Diagnosable, Equatable {
  /// The host has no apt source for Debian; others' archives that it has are named.
  case noSources(release: String, foreign: [String] = [])
  /// The archive cannot be reached.
  case noNetwork(detail: String)
  /// There is no such archive, or it does not have the release.
  case noRelease(detail: String)
  /// A proxy, or a page that wants a login, answered in the archive's place.
  case notTheArchive(detail: String)
  /// What the archive sent is not signed by a trusted key.
  case badSignature(detail: String)
  /// An index is not the one that the signed release file names: the mirror is being updated, or broken.
  case indexMismatch(suites: [String], architecture: String, detail: String)
  /// A package that was asked for does not exist there.
  case unknownPackages([String], release: String, architecture: String)
  /// apt found no way to install the packages together.
  case unsatisfiable(detail: String)
  /// apt failed otherwise.
  case apt(lastLines: [String])
  /// A downloaded package is not the one that the index names.
  case damagedDownload(file: String)
  /// No index of the archive is at hand, and none may be fetched.
  case nothingOffline(release: String, architecture: String)
  /// Packages are not in the cache as they should be, and none may be fetched.
  case packagesOffline([String])
  /// The file system of the cache, or memory, is full.
  case diskFull(step: String, detail: String)
  /// Nothing says where the cache belongs.
  case noCacheFolder
  /// User namespaces are switched off.
  case noUserNamespaces(detail: String)
  /// The system that was built does not hold what was planned.
  case notAsPlanned(step: String, missing: [String], surplus: [String])
  /// A result of the build is not there although all programs succeeded.
  case incomplete(step: String, file: String)
  /// A hook of the manifest failed.
  case hookFailed(hook: String, lastLines: [String])
  /// A locale or a keyboard layout that Debian does not have.
  case badSetting(key: String, value: String, lastLines: [String])
  /// The step needs something that failed before.
  case dependencyFailed(step: String)
  /// The program of this process cannot go into an image.
  case programUnusable(FilePath, reason: String)

  /// Stable identifier.
  public var code: String {
    switch self {
    case .noSources: "no-apt-sources"
    case .noNetwork: "no-network"
    case .noRelease: "no-release"
    case .notTheArchive: "not-the-archive"
    case .badSignature: "bad-signature"
    case .indexMismatch: "index-mismatch"
    case .unknownPackages: "unknown-package"
    case .unsatisfiable: "unsatisfiable"
    case .apt: "apt-failed"
    case .damagedDownload: "damaged-download"
    case .nothingOffline, .packagesOffline: "nothing-offline"
    case .diskFull: "disk-full"
    case .noCacheFolder: "no-cache-folder"
    case .noUserNamespaces: "no-user-namespaces"
    case .notAsPlanned: "not-as-planned"
    case .incomplete: "incomplete-result"
    case .hookFailed: "hook-failed"
    case .badSetting: "bad-setting"
    case .dependencyFailed: "dependency-failed"
    case .programUnusable: "program-unusable"
    }
  }

  /// What happened and where; passwords of URLs are left out.
  public var message: String { story.withoutCredentials }

  private var story: String {
    switch self {
    case .noSources(let release, let foreign):
      "this computer has no apt source for Debian, so there is no archive for \(release)"
        + (foreign.isEmpty ? "" : "; by their release files these are others': \(foreign.joined(separator: ", "))")
    case .noNetwork(let detail): "the package archive cannot be reached: \(detail)"
    case .noRelease(let detail): "the package archive is not there: \(detail)"
    case .notTheArchive(let detail): "something other than the package archive answers: \(detail)"
    case .badSignature(let detail): "the package archive is not signed by a trusted key: \(detail)"
    case .indexMismatch(let suites, let architecture, let detail):
      "the mirror's \(architecture) index of \(suites.joined(separator: ", ")) is not the signed one: \(detail)"
    case .unknownPackages(let names, let release, let architecture):
      "no package \(names.map { "\"\($0)\"" }.joined(separator: ", ")) in \(release) for \(architecture)"
    case .unsatisfiable(let detail): "these packages cannot be installed together: \(detail)"
    case .apt(let lines): (["apt-get failed:"] + lines.suffix(12).map { "  " + $0 }).joined(separator: "\n")
    case .damagedDownload(let file): "the downloaded package \(file) is damaged"
    case .nothingOffline(let release, let architecture):
      "no package index of \(release) for \(architecture) was fetched before"
    case .packagesOffline(let files):
      "\(files.count) packages are missing from the cache or damaged: \(files.prefix(5).joined(separator: ", "))"
        + (files.count > 5 ? " …" : "")
    case .diskFull(let step, let detail): "no space is left for \(step): \(detail)"
    case .noCacheFolder: "there is no place for the cache: neither HOME nor XDG_CACHE_HOME is set"
    case .noUserNamespaces(let detail): "this kernel does not let ordinary users make user namespaces: \(detail)"
    case .notAsPlanned(let step, let missing, let surplus):
      "\(step) does not hold the planned packages"
        + (missing.isEmpty ? "" : "; missing: \(missing.prefix(5).joined(separator: ", "))")
        + (surplus.isEmpty ? "" : "; not planned: \(surplus.prefix(5).joined(separator: ", "))")
    case .incomplete(let step, let file): "\(step) produced no \(file)"
    case .hookFailed(let hook, let lines):
      (["the hook \(hook) failed:"] + lines.suffix(12).map { "  " + $0 }).joined(separator: "\n")
    case .badSetting(let key, let value, let lines):
      (["Debian has no \(key) \"\(value)\":"] + lines.suffix(4).map { "  " + $0 }).joined(separator: "\n")
    case .dependencyFailed(let step): "\(step), on which this builds, could not be made"
    case .programUnusable(let path, let reason): "\(path) cannot go into an image: \(reason)"
    }
  }

  /// What to do.
  public var remedy: String? {
    switch self {
    case .noSources(_, let foreign):
      foreign.isEmpty
        ? "Give the manifest a `mirror`, or add a Debian source to /etc/apt/sources.list."
        : "Write the lines of these sources into the manifest's `mirror` if the image shall be made of them."
    case .noNetwork:
      "Check the network and the proxy (apt's settings are used), or build with --offline from what was fetched before."
    case .noRelease: "Correct the `mirror`, or choose a release that it has."
    case .notTheArchive:
      "Check the proxy and its password (apt's settings are used), and whether this network wants a login in a browser first."
    case .badSignature:
      "Do not build from this mirror; check the `mirror` and the keyring /usr/share/keyrings/debian-archive-keyring.gpg."
    case .indexMismatch:
      "Try again later or take another mirror; or build without these suites, and so without their security updates: --allow-incomplete-suites"
    case .unknownPackages: "Correct the name in the manifest, or leave the tool out for this architecture."
    case .unsatisfiable: "Take one of the conflicting packages out of the manifest."
    case .apt, .incomplete: nil
    case .damagedDownload: "Start again; if it arrives damaged again, use another mirror. Nothing of it was kept."
    case .nothingOffline, .packagesOffline: "Build once without --offline."
    case .diskFull:
      "Free some space on the file system of the cache, also with \"lifeboat cache --prune\", or set XDG_CACHE_HOME to a folder elsewhere; finished steps are kept."
    case .noCacheFolder: "Set XDG_CACHE_HOME to the absolute path of a folder that may be filled."
    case .noUserNamespaces:
      "Set the sysctl user.max_user_namespaces above 0 (and kernel.unprivileged_userns_clone to 1 where it exists), give yourself a range in /etc/subuid and /etc/subgid, or build as root."
    case .notAsPlanned: "Report this with the manifest; nothing was put into the cache."
    case .hookFailed: "Correct the hook; it runs inside the image's system as root, without network."
    case .badSetting(let key, _, _): "Correct `\(key)` in the manifest."
    case .dependencyFailed: nil
    case .programUnusable:
      "Build with the installed program, or with the one that \"make build\" makes; or leave out the tools that need it."
    }
  }

  /// Input errors are the manifest's; the rest is what the machine or the network lacks.
  public var kind: FailureKind {
    switch self {
    case .unknownPackages, .unsatisfiable, .hookFailed, .badSetting: .badInput
    case .badSignature: .notAsPromised
    case .noUserNamespaces: .systemLimit
    case .diskFull: .cannotCreate
    case .notAsPlanned, .incomplete: .defect
    default: .unavailable
    }
  }
}

extension SystemLayersFailure {
  /// The failure that a program's last lines speak of, if they speak of a full file system.
  static func fullDisk(_ lines: [String], step: String) -> SystemLayersFailure? {
    lines.last { $0.contains("No space left on device") || $0.contains("enough free space in") }
      .map { .diskFull(step: step, detail: $0.trimmingSpaces) }
  }
}
