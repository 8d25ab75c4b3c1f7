// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
internal import BootAssembly
package import HostSystem
package import SystemPackage

/// What a fleet's own tool ships, so that many computers get a recovery partition or a newer version of it.
///
/// ```
///                ┌▶ NAME_VERSION_all.deb     postinst ──┐
///   medium.iso ──┼▶ NAME.sh                  the medium behind it ──┼─▶ update-partition ─▶ lifeboat install
///                ├▶ NAME/ (an Ansible role)  ───────────┘
///                └▶ NAME-windows/            tree/, Install-Recovery.ps1: diskpart, bcdedit
/// ```
package struct FleetPackage: Sendable {
  /// A verified medium.
  let set: RecoverySet
  let medium: FilePath
  let digest: Digest
  let size: ByteCount
  /// The version that package managers compare.
  let version: String
  private let templates: FilePath

  /// A kind of package.
  package enum Kind: String, Sendable, CaseIterable { case deb, script, ansible, powershell }

  /// Looks at a medium that was verified.
  /// - Parameter version: nil takes the time at which the ISO file was written, so that a later file is newer.
  /// - Throws: `FleetFailure`, `OperationFailure`, `InstalledData.Missing`.
  package init(_ set: RecoverySet, from medium: FilePath, version: String? = nil) throws {
    try self.init(
      set, from: medium, version: version,
      templates: try InstalledData.folder(of: "RecoveryPartition").appending("fleet"))
  }

  init(_ set: RecoverySet, from medium: FilePath, version: String?, templates: FilePath) throws {
    (self.set, self.medium, self.templates) = (set, medium, templates)
    digest = try OperationFailure.wrap("read", medium) { try Digest(ofFile: medium) }
    let status = FileTree.status(of: medium)
    size = ByteCount(status?.size ?? 0)
    self.version = version ?? String(status?.modified ?? 0)
    guard self.version.wholeMatch(of: /[0-9][A-Za-z0-9.+~]*/) != nil else {
      throw FleetFailure.badVersion(self.version)
    }
    guard Release.isName(fileName) else { throw FleetFailure.badName(medium) }
  }

  private var fileName: String { medium.lastComponent?.string ?? "" }

  /// The package's name: what Debian allows in one.
  package var name: String {
    let image = set.image.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    return "lifeboat-recovery-" + String(image)
  }

  /// Makes one kind of package in a folder.
  /// - Returns: what to ship: a file, or a folder.
  /// - Throws: `FleetFailure`, `OperationFailure`, `ExternalCommand.Failure`.
  package func make(_ kind: Kind, in folder: FilePath) async throws -> FilePath {
    try FileTree.makeFolder(folder)
    return switch kind {
    case .deb: try await makeDeb(in: folder)
    case .script: try await makeScript(in: folder)
    case .ansible: try await makeRole(in: folder)
    case .powershell: try await makeWindowsFolder(in: folder)
    }
  }

  // MARK: Kinds

  private func makeDeb(in folder: FilePath) async throws -> FilePath {
    let target = folder.appending("\(name)_\(version)_all.deb")
    try await inWork(folder) { work in
      let share = work.pushing(FilePath("usr/share/\(name)"))
      for made in [share, work.appending("DEBIAN"), work.pushing("etc/default")] { try FileTree.makeFolder(made) }
      try await copyMedium(to: share)
      try write("update-partition", to: share.appending("update-partition"), isExecutable: true)
      try write("postinst", to: work.pushing("DEBIAN/postinst"), isExecutable: true)
      try write("default", to: work.pushing(FilePath("etc/default/\(name)")))
      try AtomicFile.write(Array("/etc/default/\(name)\n".utf8), to: work.pushing("DEBIAN/conffiles"))
      try AtomicFile.write(Array(control.utf8), to: work.pushing("DEBIAN/control"))
      try FileTree.setSystemModes(work)
      // The medium is compressed already.
      try await ExternalCommand(
        "dpkg-deb", ["--root-owner-group", "-Znone", "--build", work.string, target.string], package: "dpkg"
      ).run()
    }
    return target
  }

  private var control: String {
    """
    Package: \(name)
    Version: \(version)
    Architecture: all
    Maintainer: Nobody <nobody@localhost>
    Depends: lifeboat, efibootmgr, util-linux
    Section: admin
    Priority: optional
    Description: recovery partition with the image \(set.image)
     Installs or updates the recovery partition of this computer when it is
     configured; removing the package leaves the partition as it is.

    """
  }

  private func makeScript(in folder: FilePath) async throws -> FilePath {
    let target = folder.appending("\(name).sh")
    var text = try template("self-contained").replacing("@SCRIPT@\n", with: try template("update-partition"))
    // The text's length is written into it, with as many digits as it has room for.
    let place = String(repeating: "0", count: 8)
    text = text.replacing("@OFFSET@", with: place)
    let offset = String(text.utf8.count + 1)
    text = text.replacing("+" + place, with: "+" + place.dropLast(offset.count) + offset)
    try AtomicFile.create(
      at: target, permissions: [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute]
    ) { descriptor, _ in
      try OperationFailure.wrap("write", target) { _ = try descriptor.writeAll(Array(text.utf8)) }
      try set.copyMedium(medium, to: descriptor, target)
    }
    return target
  }

  private func makeRole(in folder: FilePath) async throws -> FilePath {
    let role = folder.appending(name.replacing("-", with: "_"))
    for part in ["tasks", "defaults", "files"] { try FileTree.makeFolder(role.appending(part)) }
    try write("ansible/tasks.yml", to: role.pushing("tasks/main.yml"))
    try write("ansible/defaults.yml", to: role.pushing("defaults/main.yml"))
    try write("update-partition", to: role.pushing("files/update-partition"), isExecutable: true)
    try await copyMedium(to: role.appending("files"))
    return role
  }

  private func makeWindowsFolder(in folder: FilePath) async throws -> FilePath {
    let target = folder.appending("\(name)-windows")
    let tree = target.appending("tree")
    FileTree.remove(tree)
    try FileTree.makeFolder(tree)
    try await set.layOut(in: tree, serial: Self.serial)
    var sums = ""
    for name in FileTree.walk(tree) where FileTree.kind(of: tree.pushing(FilePath(name))) == .file {
      sums += "\(try Digest(ofFile: tree.pushing(FilePath(name))))  \(name)\r\n"
    }
    try AtomicFile.write(Array(sums.utf8), to: target.appending("SHA256SUMS.txt"))
    // Windows PowerShell 5 takes a file without a mark for one of the computer's code page.
    let script = try template("Install-Recovery.ps1").replacing("\n", with: "\r\n")
    try AtomicFile.write([0xef, 0xbb, 0xbf] + Array(script.utf8), to: target.appending("Install-Recovery.ps1"))
    return target
  }

  // MARK: Parts

  /// Stands in the menus of a tree until a file system with a serial number of its own is there.
  static let serial = "0000-0000"

  private func template(_ name: String) throws -> String {
    let mebibytes = max(1024, (try set.treeSize().bytes >> 20) + 128)
    let values = [
      "FILE": fileName, "IMAGE": set.image, "IDENTIFIER": set.identifier, "SHA256": digest.hex,
      "SIZE": String(size.bytes), "PACKAGE": self.name, "SERIAL": Self.serial, "MEBIBYTES": String(mebibytes),
      "HIDDEN": PartitionTable.Entry.hiddenGUID.lowercased(), "LABEL": StagedVolume.label,
      // Within single quotes, where PowerShell knows one escape.
      "TITLE": GrubText.line(set.title).replacing("'", with: "''"),
    ]
    var text = try FileTree.text(of: templates.pushing(FilePath(name)))
    for (key, value) in values { text = text.replacing("@\(key)@", with: value) }
    return text
  }

  private func write(_ name: String, to file: FilePath, isExecutable: Bool = false) throws {
    try AtomicFile.write(Array(try template(name).utf8), to: file)
    if isExecutable { try FileTree.setPermissions(file, 0o755) }
  }

  private func copyMedium(to folder: FilePath) async throws {
    let target = folder.appending(fileName)
    try AtomicFile.create(at: target, permissions: [.ownerReadWrite, .groupRead, .otherRead]) { descriptor, _ in
      try set.copyMedium(medium, to: descriptor, target)
    }
    guard try Digest(ofFile: target) == digest else { throw FleetFailure.mediumChanged(medium) }
  }

  private func inWork(_ folder: FilePath, _ body: (FilePath) async throws -> Void) async throws {
    let work = folder.appending(".\(name).work")
    FileTree.remove(work)
    try FileTree.makeFolder(work)
    defer { FileTree.remove(work) }
    try await body(work)
  }
}

/// Why a package for a fleet was not made.
package enum FleetFailure: Diagnosable, Equatable {
  /// Not a version that package managers compare.
  case badVersion(String)
  /// The ISO file's name would not survive in a script.
  case badName(FilePath)
  /// The ISO file is not any more what was verified.
  case mediumChanged(FilePath)

  package var code: String {
    switch self {
    case .badVersion: "bad-package-version"
    case .badName: "bad-medium-name"
    case .mediumChanged: "medium-changed"
    }
  }
  package var message: String {
    switch self {
    case .badVersion(let text): "“\(text)” is not a package version"
    case .badName(let path): "\(path) has a name with other characters than letters, digits, “.”, “_” and “-”"
    case .mediumChanged(let path): "\(path) was changed while it was packaged"
    }
  }
  package var remedy: String? {
    switch self {
    case .badVersion: "Give digits, letters, “.”, “+” and “~”, a digit first: 2026.11.25"
    case .badName: "Rename it."
    case .mediumChanged: "Wait until it is written, and try again."
    }
  }
  package var kind: FailureKind {
    switch self {
    case .badVersion: .badRequest
    case .badName: .badInput
    case .mediumChanged: .notAsPromised
    }
  }
}
