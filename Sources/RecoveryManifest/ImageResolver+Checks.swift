// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

extension ImageResolver {
  /// An architecture needs a kernel of the release.
  mutating func checkKernels(_ image: Image, release: DebianRelease, settings: Settings, draft: ImageDraft) {
    let name = Printable.quoted(image.name)
    for architecture in image.architectures where !release.architectures.contains(architecture) {
      report { sink in
        sink.error(
          .noX86Kernel,
          at: draft.settings.release?.position ?? draft.settings.architectures?.position
            ?? settings.release?.position ?? draft.position,
          "image \(name): Debian \(release.rawValue) has no kernel for \(architecture.rawValue)",
          remedy: """
            Set release = "\(DebianRelease.bookworm.rawValue)" for this image, \
            or architectures = ["\(Architecture.x64.rawValue)"].
            """)
      }
    }
  }

  /// A path cannot be a file and a folder at once.
  mutating func checkFiles(_ files: [String: Located<String>]) {
    for (path, entry) in files {
      var folder = path[...]
      while let slash = folder.lastIndex(of: "/") {
        folder = folder[..<slash]
        guard files[String(folder)] != nil else { continue }
        let pair = (Printable.quoted(path), Printable.quoted(String(folder)))
        report { sink in
          sink.error(
            .badValue, at: entry.position, "files has \(pair.0), but \(pair.1) is a file of its own",
            remedy: "Give one of the two another path.")
        }
      }
    }
  }

  /// The tools in the order of the catalogue. What came by a group word goes where no architecture of the image can
  /// have it; what was named by its id must exist on all of them.
  mutating func assignments(_ access: ToolAccess, image: Image) -> [Image.Assignment] {
    var assignments: [Image.Assignment] = []
    for tool in toolbox.tools {
      guard let grant = access.grants[tool.id] else { continue }
      let missing = image.architectures.filter { !tool.exists(on: $0) }
      if let named = grant.named, tool.needs.contains(.lifeboat), missing.count < image.architectures.count {
        for architecture in missing { warnOfAbsence(of: tool, on: architecture, named: named, image: image) }
      } else if let named = grant.named {
        for architecture in missing { reportAbsence(of: tool, on: architecture, named: named, image: image) }
      } else if missing.count == image.architectures.count {
        continue
      }
      assignments.append(Image.Assignment(tool: tool, access: grant.access))
    }
    return assignments
  }

  /// Where Lifeboat's program does not exist is not for the manifest to say, so the rest of the image is built.
  private mutating func warnOfAbsence(
    of tool: Tool, on architecture: Architecture, named: SourcePosition, image: Image
  ) {
    report { sink in
      sink.warning(
        .toolAbsentOnArchitecture, at: named,
        """
        image \(Printable.quoted(image.name)) goes without the tool \(Printable.quoted(tool.id)) on \
        \(architecture.rawValue), where Lifeboat's program does not exist
        """,
        remedy:
          "Set architectures = [\"\(Architecture.x64.rawValue)\"] for this image if it is of no use without the tool.")
    }
  }

  private mutating func reportAbsence(
    of tool: Tool, on architecture: Architecture, named: SourcePosition, image: Image
  ) {
    let others = Architecture.allCases.filter { tool.exists(on: $0) }.map(\.rawValue)
    report { sink in
      sink.error(
        .toolAbsentOnArchitecture, at: named,
        """
        image \(Printable.quoted(image.name)) is built for \(architecture.rawValue), \
        where the tool \(Printable.quoted(tool.id)) does not exist
        """,
        remedy: """
          Leave the tool out, or build the image for \(others.joined(separator: " and ")) alone; \
          the group words leave it out where it does not exist.
          """)
    }
  }

  /// What is probably a slip. Asked only of a manifest without errors, for an error makes such things happen.
  mutating func warn(about images: [Image], own: [(tool: Tool, position: SourcePosition)]) {
    for (image, draft) in zip(images, drafts) where image.tools.isEmpty {
      report { sink in
        sink.warning(
          .noTools, at: draft.position, "image \(Printable.quoted(image.name)) has no tools",
          remedy: "Name some in its [image.tools], for example user = [\"standard\"].")
      }
    }
    let used = Set(images.flatMap { $0.tools.map(\.tool.id) })
    for (tool, position) in own where !used.contains(tool.id) {
      report { sink in
        sink.warning(
          .unusedTool, at: position, "no image has the tool \(Printable.quoted(tool.id))",
          remedy: "Name it in the [image.tools] of an image, or remove it.")
      }
    }
  }
}
