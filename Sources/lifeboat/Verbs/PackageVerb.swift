// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem
import RecoveryPartition
import SystemPackage

/// `lifeboat package`.
struct PackageVerb: Verb {
  static let configuration = CommandConfiguration(
    commandName: "package",
    abstract: "Make packages with which a fleet installs or updates recovery partitions.",
    discussion: """
      Verifies the medium, then puts it into packages that run "lifeboat install" on each computer without asking: a \
      Debian package that does so when it is configured, a shell script with the medium behind it, a role for Ansible. \
      They use the disk that / is on, unless told otherwise. None of them contains the program: the Debian package \
      depends on the package lifeboat, the role installs it, and the script ends with status 69 without it. For \
      Windows there is a folder with a PowerShell script, which its authors have not run on Windows.

      --release makes a signed release.json instead, which belongs beside the ISO file on a web server, for computers \
      that run "lifeboat install --follow".

        lifeboat package output/tier1-x64.iso --to packages --deb --ansible
        lifeboat package output/tier1-x64.iso --to packages --powershell
        lifeboat package output/tier1-x64.iso --to output --release site-key
      """)

  static let stateAfterInterruption = "The packages listed so far are complete; the one in progress was removed."

  @Argument(help: "The medium: an ISO file.", completion: .file(extensions: ["iso"])) var medium: String
  @Option(help: ArgumentHelp("The folder for the packages.", valueName: "folder"), completion: .directory)
  var to: String
  @Flag(help: "A Debian package.") var deb = false
  @Flag(help: "A shell script with the medium behind it; it needs the package lifeboat.") var script = false
  @Flag(help: "A role for Ansible.") var ansible = false
  @Flag(help: "A folder for Configuration Manager or Intune.") var powershell = false
  @Option(
    help: ArgumentHelp("Only a release.json, signed with this OpenSSH Ed25519 key.", valueName: "key"),
    completion: .file())
  var release: String?
  @Option(
    help: ArgumentHelp("The public key that must have signed the medium.", valueName: "key"), completion: .file())
  var key: String?
  @Option(
    help: ArgumentHelp("The package's version (default: the time of the ISO file).", valueName: "version"))
  var packageVersion: String?
  @Flag(help: "One JSON document on standard output.") var json = false

  func validate() throws {
    guard (release != nil) != !kinds.isEmpty else {
      throw ValidationError("Choose --deb, --script, --ansible or --powershell; or --release alone.")
    }
  }

  private var kinds: [FleetPackage.Kind] {
    [(deb, FleetPackage.Kind.deb), (script, .script), (ansible, .ansible), (powershell, .powershell)]
      .filter(\.0).map(\.1)
  }

  func run(on console: Console) async throws -> ExitStatus {
    let (iso, folder) = (FilePath(medium), FilePath(to))
    let set = try await console.withProgress { progress in
      try await RecoverySet(iso, key: key.map { FilePath($0) }, progress: progress)
    }
    if let release {
      try FileTree.makeFolder(folder)
      _ = try await Release.publish(iso, in: folder, key: FilePath(release))
      return try report([folder.appending(Release.name), folder.appending(Release.signatureName)], set, console)
    }
    let package = try FleetPackage(set, from: iso, version: packageVersion)
    var made: [FilePath] = []
    for kind in kinds { made.append(try await package.make(kind, in: folder)) }
    return try report(made, set, console)
  }

  private func report(_ made: [FilePath], _ set: RecoverySet, _ console: Console) throws -> ExitStatus {
    struct Document: Encodable {
      var image: String
      var identifier: String
      var made: [String]
    }
    if json {
      try console.printJSON(Document(image: set.image, identifier: set.identifier, made: made.map(\.string)))
    } else {
      for path in made { console.print(path.string) }
    }
    return .success
  }
}
