// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
public import RecoveryManifest
internal import RecoveryPlan
internal import SystemPackage

extension SystemBuilder {
  /// The last small layer: Lifeboat's own files and the image's settings. It is laid out in an ordinary folder; only
  /// a locale, a keyboard map or hooks need the system itself.
  func makeSettings(_ step: Step, _ context: Context, _ workshop: Workshop?) async throws -> StepCache.Stored {
    guard let (medium, system) = JobList.owner(step, context.plan) else {
      throw SystemLayersFailure.dependencyFailed(step: step.title)
    }
    progress(.started(step: step.title, total: nil))
    let image = medium.image
    let place = try cache.begin(step)
    let files = place.appending("files")
    try layOut(image, system.architecture, in: files)
    let layer = place.appending("layer.squashfs").string
    if let workshop {
      try await applySettings(image, step, files: files, context, workshop)
      let tree = workshop.folder.appending("tree/\(tree(step))").string
      try await workshop.run(try script("pack-layer", [tree, layer], step))
    } else {
      try await packFolder(files, step).run()
    }
    FileTree.remove(files)
    return try finish(step, place, ["layer.squashfs"])
  }

  /// An ordinary folder as a layer, beside it.
  func packFolder(_ files: FilePath, _ step: Step) -> ExternalCommand {
    let layer = files.removingLastComponent().appending("layer.squashfs")
    return ExternalCommand(
      "mksquashfs",
      [
        files.string, layer.string, "-all-root", "-root-mode", "755", "-comp", "zstd", "-Xcompression-level", "9",
        "-noappend", "-quiet",
        "-no-progress",
      ], environment: ["SOURCE_DATE_EPOCH": "\(step.timestamp)"], package: "squashfs-tools")
  }

  /// Refuses a time zone that Debian does not have, as far as this machine knows Debian's.
  /// - Throws: `SystemLayersFailure.badSetting`.
  public static func checkTimeZones(_ images: [Image]) throws(SystemLayersFailure) {
    let known: FilePath = "/usr/share/zoneinfo"
    guard FileTree.kind(of: known) == .folder else { return }
    for image in images where FileTree.status(of: known.appending(image.timeZone)) == nil {
      throw .badSetting(
        key: "time-zone", value: image.timeZone,
        lastLines: ["there is no \(known)/\(image.timeZone) (image \(image.name))"])
    }
  }

  private func applySettings(
    _ image: Image, _ step: Step, files: FilePath, _ context: Context, _ workshop: Workshop
  ) async throws {
    let hooks = files.removingLastComponent().appending("hooks")
    try FileTree.makeFolder(hooks)
    for (number, hook) in image.hooks.enumerated() {
      let name = "\(String(100 + number).dropFirst())-\(FilePath(hook).lastComponent?.string ?? "hook")"
      try copy(options.manifestFolder.pushing(FilePath(hook)), to: hooks.appending(name), permissions: 0o755)
    }
    let arguments = [
      workshop.folder.string, tree(step), lowerFolders(JobList.treesBelow(step, context.plan), workshop), files.string,
      SystemRecipe.needsLocale(image) ? image.locale : "-", SystemRecipe.needsKeyboard(image) ? image.keyboard : "-",
      hooks.string,
    ]
    do {
      let progress = self.progress
      try await workshop.run(try script("make-settings", arguments, step)) {
        progress(.detail(step: step.title, line: $0))
      }
    } catch ExternalCommand.Failure.failed(_, _, let lines) where lines.last?.hasPrefix("hook-failed ") == true {
      let number = lines.last?.dropFirst(12).prefix(2).description ?? ""
      let hook = Int(number).flatMap { image.hooks.indices.contains($0) ? image.hooks[$0] : nil } ?? "?"
      throw SystemLayersFailure.hookFailed(hook: hook, lastLines: Array(lines.dropLast()))
    } catch ExternalCommand.Failure.failed(_, _, let lines) where lines.last?.hasPrefix("setting-failed ") == true {
      let key = String(lines.last?.dropFirst(15) ?? "")
      throw SystemLayersFailure.badSetting(
        key: key, value: key == "locale" ? image.locale : image.keyboard, lastLines: Array(lines.dropLast()))
    }
    FileTree.remove(hooks)
  }

  /// Lays Lifeboat's files, the image's facts and settings, and the manifest's own files into a folder, with the
  /// paths that they will have in the system.
  func layOut(_ image: Image, _ architecture: Architecture, in folder: FilePath) throws {
    let resources = try InstalledData.folder(of: "SystemLayers").appending("image")
    for name in FileTree.walk(resources) where !name.hasSuffix(".keep") {
      let source = resources.appending(name)
      let target = folder.appending(name)
      switch FileTree.kind(of: source) {
      case .folder?: try FileTree.makeFolder(target)
      case .symbolicLink?: try FileTree.makeLink(target, to: FileTree.linkTarget(of: source) ?? "")
      default: try copy(source, to: target, permissions: FileTree.status(of: source)?.permissions ?? 0o644)
      }
    }
    for (path, text) in try generatedFiles(image, architecture) {
      try FileTree.makeFolder(folder.appending(path).removingLastComponent())
      try AtomicFile.write(Array(text.utf8), to: folder.appending(path))
    }
    try FileTree.makeFolder(folder.appending("etc"))
    try FileTree.makeLink(folder.appending("etc/localtime"), to: "/usr/share/zoneinfo/\(image.timeZone)")
    for (path, source) in image.files {
      let file = options.manifestFolder.pushing(FilePath(source))
      let permissions = FileTree.status(of: file)?.permissions ?? 0o644
      try FileTree.makeFolder(folder.appending(path).removingLastComponent())
      try copy(file, to: folder.appending(path), permissions: permissions)
    }
    try FileTree.setSystemModes(folder, except: Self.specialFolders)
  }

  /// Folders of every Debian that the manifest's files may lie in, and whose mode is not 0755 (base-files).
  private static let specialFolders: [String: UInt16] = ["root": 0o700, "tmp": 0o1777, "var/tmp": 0o1777]

  private func copy(_ source: FilePath, to target: FilePath, permissions: UInt16) throws {
    let mode = FilePermissions(rawValue: CModeT(permissions))
    try AtomicFile.write(FileTree.bytes(of: source), to: target, permissions: mode)
    try FileTree.setPermissions(target, permissions)
  }

  private func generatedFiles(_ image: Image, _ architecture: Architecture) throws -> [String: String] {
    struct Facts: Encodable {
      var image: String
      var title: String
      var release: String
      var architecture: String
      var expires: String?
      var locale: String
      var keyboard: String
    }
    let facts = Facts(
      image: image.name, title: image.title, release: image.release, architecture: architecture.rawValue,
      expires: image.expires, locale: image.locale, keyboard: image.keyboard)
    return [
      "usr/lib/lifeboat/image.json": try StableJSON.text(facts) + "\n",
      "usr/lib/lifeboat/tools.tsv": ToolTable.text(image, architecture),
      "etc/default/locale": "LANG=\(image.locale)\n",
      "etc/default/keyboard": "XKBMODEL=pc105\nXKBLAYOUT=\(image.keyboard)\nXKBVARIANT=\nXKBOPTIONS=\n",
      "etc/timezone": image.timeZone + "\n",
    ]
  }
}
