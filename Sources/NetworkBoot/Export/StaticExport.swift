// SPDX-License-Identifier: GPL-3.0-or-later
internal import NetworkBootPolicy
internal import BootSite
public import HostSystem
internal import NetworkBootProtocol
public import SystemPackage

/// A set as plain files, for other servers than this one: what may be asked for, and what those servers have to be told.
///
/// ```
///   DIR/objects/boot/tier1.iso   every object under its name; a hard link into the site where that can be, else a copy
///   DIR/index.json, .sig         the set as it was signed
///   DIR/export.json              the objects with size, SHA-256, media type and how long they may be kept
///   DIR/nginx.conf               for one server or many: exactly these names, exactly these types
///   DIR/dnsmasq.conf             beside the site's DHCP server: who starts here is sent to that nginx
/// ```
public struct StaticExport: Sendable {
  /// The site's folder.
  public var site: FilePath
  /// The only key by which the index may be signed; nil for the site's own, if it has one.
  public var key: FilePath?
  /// Which of the servers that are built into the set the export is for; nil for the first.
  public var server: String?
  /// The image that dnsmasq sends computers to; nil where the set has one alone.
  public var image: String?
  /// Where the export goes.
  public var folder: FilePath

  /// An export of a site's current set; nothing is read or made.
  public init(site: FilePath, to folder: FilePath) { (self.site, self.folder) = (site, folder) }

  /// Reads every object, writes everything beside the folder, and puts it in place by one rename.
  ///
  /// An earlier export is replaced, if nothing was added to it and nothing of its settings was changed.
  /// - Throws: `NetworkBootFailure`, `Site.Failure`, `OperationFailure`, `CancellationError`, and what a key throws that
  ///   cannot be used.
  public func run(progress: @escaping ProgressEvent.Handler = { _ in }) async throws -> ExportManifest {
    let home = Site(at: site)
    let opened = try await home.current(trusting: key)
    let set = BootSet(opened, of: home)
    let missing = set.missing()
    guard missing.isEmpty else {
      throw NetworkBootFailure.objectsMissing(site, set: opened.index.number, names: missing)
    }
    let place = try ExportPlace(folder)
    let address = try ExportServer(server, in: opened.index)
    var options = BootService.Options(site: site)
    options.image = image
    let view = try ServerView(options, set, BootPolicy())
    var manifest = ExportManifest(set, server: address.url, image: view.defaultImage ?? "")
    let settings = [
      ("nginx.conf", NginxSettings(manifest.objects, address, set: manifest.set).text),
      ("dnsmasq.conf", DnsmasqSettings(view, address, root: place.folder.appending("objects")).text),
    ].map { (name: $0.0, bytes: Array($0.1.utf8)) }
    let files = try settings + home.signedFiles(of: opened)
    manifest.files = files.map { ExportManifest.File(name: $0.name, digest: Digest(of: $0.bytes)) }
    let description = try manifest.encoded()
    try place.fill { [manifest] draft in
      try Self.write(manifest.objects, of: opened.index, home, to: draft, progress)
      for file in files + [(ExportManifest.name, description)] {
        try AtomicFile.write(file.bytes, to: draft.appending(file.name))
      }
    }
    return manifest
  }

  private static func write(
    _ objects: [ExportManifest.Object], of index: SetIndex, _ site: Site, to draft: FilePath,
    _ progress: ProgressEvent.Handler
  ) throws {
    let step = "export"
    let total = objects.map(\.size).reduce(.zero, +)
    var done = ByteCount.zero
    progress(.started(step: step, total: total))
    for (source, object) in zip(index.objects, objects) {
      try Task.checkCancellation()
      let target = draft.appending(object.file)
      try FileTree.makeFolder(target.removingLastComponent())
      guard try place(site.path(of: source), at: target) == object.digest else {
        throw Site.Failure.objectDamaged(name: object.name, site.path(of: source))
      }
      done += object.size
      progress(.advanced(step: step, done: done, total: total))
    }
    progress(.finished(step: step, produced: done))
  }

  /// A link to a file, or a copy on another file system, or where the kernel lets nobody but the owner link
  /// (protected_hardlinks, proc_sys_fs(5)).
  /// - Returns: what is there now.
  private static func place(_ source: FilePath, at target: FilePath) throws -> Digest {
    if FileTree.makeHardLink(target, to: source) {
      return try OperationFailure.wrap("read", source) { try Digest(ofFile: source) }
    }
    return try AtomicFile.copy(source, to: target)
  }
}
