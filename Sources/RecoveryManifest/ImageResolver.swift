// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

/// An `[[image]]` as written.
struct ImageDraft {
  var name: Located<String>?
  var title: String?
  var extends: Located<String>?
  var tools: ToolLists?
  var settings: Settings
  var position: SourcePosition

  init(_ node: TOMLNode) {
    name = node["name"]?.located
    title = node["title"]?.string
    extends = node["extends"]?.located
    tools = node["tools"].map(ToolLists.init)
    settings = Settings(node)
    position = node.position
  }
}

/// Turns drafts into images: follows `extends`, applies the defaults, and reports what only the meaning shows.
struct ImageResolver {
  let drafts: [ImageDraft]
  private let defaults: Settings
  let toolbox: Toolbox
  private(set) var sink: DiagnosticSink
  /// The first draft of each name.
  private var byName: [String: Int] = [:]
  private var levels: [Int: Level] = [:]

  /// What an image has after `extends`, and what images that extend it start from.
  private struct Level {
    var settings: Settings
    var access: ToolAccess
  }

  init(drafts: [ImageDraft], defaults: Settings, toolbox: Toolbox, sink: DiagnosticSink) {
    self.drafts = drafts
    self.defaults = defaults
    self.toolbox = toolbox
    self.sink = sink
  }

  /// All images in the order of the manifest; those without a name are left out.
  mutating func resolve() -> [Image] {
    indexNames()
    reportCycles()
    var images: [Image] = []
    for (index, draft) in drafts.enumerated() {
      let level = level(of: index)
      guard let name = draft.name else { continue }
      images.append(finish(draft, named: name, level))
    }
    return images
  }

  private mutating func indexNames() {
    for (index, draft) in drafts.enumerated() {
      guard let name = draft.name else { continue }
      if let first = byName[name.value] {
        sink.error(
          .duplicateImage, at: name.position,
          "there are two images \(Printable.quoted(name.value)); the first is on line \(drafts[first].position.line)",
          remedy: "Give each image a name of its own.")
      } else {
        byName[name.value] = index
      }
    }
  }

  /// Each circle once, at its first image.
  private mutating func reportCycles() {
    var done: Set<Int> = []
    for start in drafts.indices where !done.contains(start) {
      var path: [Int] = []
      var next: Int? = start
      while let index = next, !done.contains(index), !path.contains(index) {
        path.append(index)
        next = parent(of: index)
      }
      done.formUnion(path)
      guard let end = next, let entry = path.firstIndex(of: end) else { continue }
      reportCycle(path[entry...])
    }
  }

  private mutating func reportCycle(_ circle: ArraySlice<Int>) {
    guard let first = circle.min(), let at = drafts[first].extends, let turn = circle.firstIndex(of: first) else {
      return
    }
    let names = (circle[turn...] + circle[..<turn] + [first]).map { Printable.text(drafts[$0].name?.value ?? "") }
    sink.error(
      .extendsCycle, at: at.position, "images extend each other in a circle: \(names.joined(separator: " → "))",
      remedy: "Let one of them extend nothing, or another image.")
  }

  /// Adds to the diagnostics.
  mutating func report(_ body: (inout DiagnosticSink) -> Void) { body(&sink) }

  private func parent(of index: Int) -> Int? { drafts[index].extends.flatMap { byName[$0.value] } }

  /// Walks up to the first image whose level is known (or that extends nothing), then down again: a loop, because a
  /// chain may be longer than the stack. A circle, already reported, ends where it closes.
  private mutating func level(of index: Int) -> Level {
    var chain: [Int] = []
    var visited: Set<Int> = []
    var next: Int? = index
    var level = Level(settings: defaults, access: ToolAccess())
    while let current = next, visited.insert(current).inserted {
      if let known = levels[current] {
        level = known
        break
      }
      chain.append(current)
      next = parent(of: current)
    }
    for current in chain.reversed() {
      apply(drafts[current], to: &level)
      levels[current] = level
    }
    return level
  }

  private mutating func apply(_ draft: ImageDraft, to level: inout Level) {
    if let extends = draft.extends, byName[extends.value] == nil { reportUnknownImage(extends, from: draft) }
    level.settings = level.settings.overlaid(by: draft.settings)
    if let lists = draft.tools ?? (draft.extends == nil ? .unsaid : nil) {
      level.access.apply(lists, toolbox: toolbox, sink: &sink)
    }
  }

  private mutating func reportUnknownImage(_ extends: Located<String>, from draft: ImageDraft) {
    let others = drafts.compactMap { $0.name?.value }.filter { $0 != draft.name?.value }
    sink.error(
      .unknownImage, at: extends.position, "there is no image \(Printable.quoted(extends.value)) to extend",
      remedy: NearestWord.of(extends.value, in: others).map { "Write \"\($0)\" instead." }
        ?? "Add an [[image]] of that name, or remove extends.")
  }

  private mutating func finish(_ draft: ImageDraft, named name: Located<String>, _ level: Level) -> Image {
    let settings = level.settings
    var image = Image(name: name.value, title: draft.title ?? name.value, extends: draft.extends?.value)
    image.architectures = settings.architectures?.value ?? image.architectures
    let release = settings.release?.value ?? DebianRelease(rawValue: image.release) ?? .bookworm
    image.release = release.rawValue
    image.locale = settings.locale ?? image.locale
    image.keyboard = settings.keyboard ?? image.keyboard
    image.timeZone = settings.timeZone ?? image.timeZone
    image.menuPassword = settings.menuPassword
    image.bootTimeout = settings.bootTimeout ?? image.bootTimeout
    image.expires = settings.expires
    image.packages = Set(settings.packages.map(\.value)).sorted()
    image.firmware = Self.firmware(settings.firmware, release: release)
    image.kernelArguments = Self.unique(settings.kernelArguments.map(\.value))
    image.hooks = Self.unique(settings.hooks.map(\.value))
    image.files = settings.files.mapValues(\.value)
    checkKernels(image, release: release, settings: settings, draft: draft)
    checkFiles(settings.files)
    image.tools = assignments(level.access, image: image)
    return image
  }

  private static func firmware(_ words: [Located<String>], release: DebianRelease) -> [String] {
    Set(words.flatMap { FirmwareSet(rawValue: $0.value)?.packages(in: release) ?? [$0.value] }).sorted()
  }

  /// Without repeats, in the order of the first.
  private static func unique(_ values: [String]) -> [String] {
    var seen: Set<String> = []
    return values.filter { seen.insert($0).inserted }
  }
}
