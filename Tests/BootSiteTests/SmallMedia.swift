// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import MediumWriting
import RecoveryManifest
import Signing
import SystemPackage
import TestSupport

@testable import BootSite

/// Media with real loaders, real squashfs layers and initrds, but hardly anything in them; each is built once.
actor SmallMedia {
  static let shared = SmallMedia()
  private let folder = TemporaryFolder.untilExit("media")
  private var made: [String: Task<FilePath, any Error>] = [:]

  /// What stands in the place of a site's key, and another one.
  enum Key: String, Sendable { case site, other }

  /// Of which time a medium is: before there were recovery partitions, of last year, of now, or with loaders to come.
  enum Age: Sendable { case old, past, today, newer }

  /// An Ed25519 key.
  func key(_ key: Key = .site) async throws -> FilePath {
    let path = folder.appending("key-\(key.rawValue)")
    return try await once(path.string) {
      _ = try await SiteKey.create(at: path, comment: key.rawValue)
      return path
    }
  }

  /// A medium as an ISO file.
  /// - Parameters:
  ///   - tools: the content of the second layer; the first is the same on all media of an architecture.
  ///   - number: makes another identifier; higher numbers are newer.
  ///   - age: what else it has of its time.
  func iso(
    _ image: String = "tier1", _ architectures: [Architecture] = [.x64], tools: String = "tools", number: Int = 1,
    signedBy key: Key? = .site, age: Age = .today
  ) async throws -> FilePath {
    let names = architectures.map(\.rawValue).joined(separator: "+")
    let name = "\(image)-\(names)-\(tools)-\(number)-\(key?.rawValue ?? "unsigned")-\(age)"
    let signer: FilePath? = if let key { try await self.key(key) } else { nil }
    return try await once(name) { [folder] in
      let work = folder.appending("work-\(name)")
      try FileTree.makeFolder(work)
      var loaders = LoaderFiles(
        amd64: try await DebianPackages.shared.folder(LoaderFiles.packages.amd64, architecture: "amd64"),
        i386: try await DebianPackages.shared.folder(LoaderFiles.packages.i386, architecture: "i386"))
      if age == .newer { loaders.amd64 = try await Self.newer(loaders.amd64, in: work) }
      var settings = Image(name: image, title: "First aid “\(image)”", architectures: architectures)
      settings.kernelArguments = ["quirk=it's", "norandmaps"]
      settings.bootTimeout = 7
      let digits = String(Digest(of: "\(image) \(names) \(tools) \(number)").hex.prefix(16))
      let builder = MediumBuilder(
        image: settings, lifeboat: "1.2.3", identifier: digits,
        timestamp: (age == .past ? 1_760_000_000 : 1_790_000_000) + Int64(number) - 1,
        loaders: loaders,
        scratch: work)
      var systems: [SystemFiles] = []
      for architecture in architectures {
        systems.append(try await Self.system(architecture, tools: tools, age, in: work))
      }
      let path = folder.appending("\(name).iso")
      _ = try await ISOImage.write(
        try await builder.build(systems, signingKey: signer).tree, to: path,
        finish: StructureSeal.finish(signingKey: signer))
      FileTree.remove(work)
      return path
    }
  }

  private func once(_ name: String, _ make: @escaping @Sendable () async throws -> FilePath) async throws -> FilePath {
    let task = made[name] ?? Task { try await make() }
    made[name] = task
    return try await task.value
  }

  /// Other loaders: a byte more behind shim and GRUB.
  private static func newer(_ folder: FilePath, in work: FilePath) async throws -> FilePath {
    let copy = work.appending("newer-loaders")
    try await ExternalCommand("cp", ["-a", folder.string, copy.string]).run()
    for name in ["shim/shimx64.efi.signed", "grub/x86_64-efi-signed/gcdx64.efi.signed"] {
      let file = copy.appending("usr/lib").pushing(FilePath(name))
      try AtomicFile.write(try FileTree.bytes(of: FileTree.resolved(file) ?? file) + [0], to: file)
    }
    return copy
  }

  private static func system(
    _ architecture: Architecture, tools: String, _ age: Age, in work: FilePath
  ) async throws -> SystemFiles {
    func layer(_ name: String, _ content: String) async throws -> (name: String, file: FilePath) {
      let tree = work.appending("\(architecture.rawValue)-\(name)")
      try FileTree.makeFolder(tree)
      try AtomicFile.write(Array("\(content) \(architecture.rawValue)\n".utf8), to: tree.appending("content"))
      let file = work.appending("\(architecture.rawValue)-\(name).squashfs")
      try await ExternalCommand(
        "mksquashfs", [tree.string, file.string, "-noappend", "-quiet", "-no-progress", "-all-root"],
        environment: ["SOURCE_DATE_EPOCH": "0"], package: "squashfs-tools"
      ).run()
      return ("\(name).squashfs", file)
    }
    let layers = [try await layer("10-base", "base"), try await layer("20-tools", tools)]
    let kernel = work.appending("\(architecture.rawValue)-vmlinuz")
    try AtomicFile.write(Array("a kernel for \(architecture.rawValue)".utf8), to: kernel)
    let initrd = work.appending("\(architecture.rawValue)-initrd")
    let script = #"cd "$1" && find content usr -type f | cpio --quiet -o -H newc --reproducible | zstd -q -9 -o "$2""#
    let tree = work.appending("\(architecture.rawValue)-initrd-tree")
    let part = tree.appending("usr/lib/live/boot").appending(age == .old ? "9990-main.sh" : "9999-lifeboat-partition")
    try FileTree.makeFolder(part.removingLastComponent())
    for (file, text) in [(tree.appending("content"), "base \(architecture.rawValue)\n"), (part, "\n")] {
      try AtomicFile.write(Array(text.utf8), to: file)
      try await ExternalCommand("touch", ["-d", "@0", file.string]).run()
    }
    try await ExternalCommand("sh", ["-c", script, "sh", tree.string, initrd.string]).run()
    return SystemFiles(architecture: architecture, kernel: kernel, initrd: initrd, layers: layers)
  }
}

/// A site in a folder that goes with it.
struct SiteFixture {
  static let servers = ["http://192.0.2.10", "http://192.0.2.11:8080"]
  let scratch: TemporaryFolder
  let site: Site

  init() throws {
    scratch = try TemporaryFolder()
    site = Site(at: scratch.appending("site"))
  }

  /// Publishes with the site's key and two servers.
  @discardableResult
  func publish(_ media: FilePath..., keep: Int = 3) async throws -> Site.Publication {
    try await site.publish(media, as: .key(SmallMedia.shared.key()), servers: Self.servers, keep: keep)
  }

  /// Everything below the site but the lock, with its digest.
  func content() throws -> [String: Digest] {
    var found: [String: Digest] = [:]
    for name in FileTree.walk(site.folder) where name != "lock" {
      let path = site.folder.appending(name)
      switch FileTree.kind(of: path) {
      case .file?: found[name] = try Digest(ofFile: path)
      case .symbolicLink?: found[name] = Digest(of: FileTree.linkTarget(of: path) ?? "")
      default: continue
      }
    }
    return found
  }

  /// The file of an object.
  func file(_ name: String, in index: SetIndex) throws -> FilePath {
    guard let object = index.objects.first(where: { $0.name == name }) else { throw Missing(name: name) }
    return site.path(of: object)
  }

  struct Missing: Error { var name: String }
}

/// A copy of a file with one bit of one byte changed.
func flipped(_ file: FilePath, at place: Int, to copy: FilePath) throws -> FilePath {
  var bytes = try FileTree.bytes(of: file)
  bytes[place] ^= 1
  try AtomicFile.write(bytes, to: copy)
  return copy
}
