// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
public import RecoveryManifest

/// The steps of one architecture of one image.
struct SystemSteps {
  let image: Image
  let architecture: Architecture
  let surroundings: Planner.Surroundings

  private var recipe: String { surroundings.recipes[.build]?.hex ?? "" }

  /// The time, and the versions of programs.
  private func common(_ programs: String...) -> [String: String] {
    surroundings.programs.filter { programs.contains($0.key) }.merging(surroundings.time(image.release)) { $1 }
  }

  func base(_ packages: [ResolvedPackage]) -> Step {
    Step(
      kind: .base, name: "\(architecture.rawValue) \(image.release)", architecture: architecture,
      inputs: common("mmdebstrap", "mksquashfs", "tar").merging(["recipe": recipe, "release": image.release]) { $1 },
      packages: packages)
  }

  func initramfs(on base: Digest) -> Step {
    Step(
      kind: .initramfs, name: "\(architecture.rawValue) \(image.release)", architecture: architecture,
      inputs: common().merging(["recipe": recipe]) { $1 }, dependencies: [base])
  }

  func tools(_ packages: [ResolvedPackage], name: String, on below: [Digest]) -> Step {
    Step(
      kind: .tools, name: "\(architecture.rawValue) \(name)", architecture: architecture,
      inputs: common("mksquashfs", "tar").merging(["recipe": recipe]) { $1 }, packages: packages, dependencies: below)
  }

  /// It stands on nothing, so that another program changes this layer alone.
  func program(_ digest: Digest) -> Step {
    Step(
      kind: .program, name: "\(architecture.rawValue) \(image.release)", architecture: architecture,
      inputs: common("mksquashfs", "strip").merging(["program": digest.hex]) { $1 })
  }

  /// Hooks see the whole system, so they hang on all of it; a locale or a keyboard map hangs only on the packages
  /// that it is made from.
  func settings(on below: [Digest], below packages: [ResolvedPackage]) -> Step {
    var inputs = common("mksquashfs", "tar")
    inputs["recipe"] = recipe
    inputs["files of every image"] = surroundings.recipes[.image]?.hex
    inputs["image"] = image.name
    inputs["title"] = image.title
    inputs["release"] = image.release
    inputs["architecture"] = architecture.rawValue
    inputs["locale"] = image.locale
    inputs["keyboard"] = image.keyboard
    inputs["time zone"] = image.timeZone
    inputs["expires"] = image.expires
    inputs["menu"] = Digest(of: ToolTable.text(image, architecture)).hex
    for (place, source) in image.files { inputs["file \(place)"] = surroundings.files[source]?.hex ?? source }
    for (index, hook) in image.hooks.enumerated() {
      inputs["hook \(index + 1) \(hook)"] = surroundings.files[hook]?.hex ?? hook
    }
    let made = Set(
      (SystemRecipe.needsLocale(image) ? ["locales", "libc-bin"] : [])
        + (SystemRecipe.needsKeyboard(image) ? ["console-setup", "keyboard-configuration", "xkb-data"] : []))
    return Step(
      kind: .settings, name: "\(architecture.rawValue) \(image.name)", architecture: architecture, inputs: inputs,
      packages: packages.filter { made.contains($0.name) }, dependencies: image.hooks.isEmpty ? [] : below)
  }
}

/// The image's tools as the menu inside it reads them.
public enum ToolTable {
  /// One line for each tool: id, access, risk, needs (comma separated, or `-`), category, title, summary, command,
  /// results (`KEY=WORDS`, separated by U+001E); separated by tabs.
  public static func text(_ image: Image, _ architecture: Architecture) -> String {
    image.tools(on: architecture).map { assignment in
      let tool = assignment.tool
      let needs = tool.needs.isEmpty ? "-" : tool.needs.map(\.rawValue).sorted().joined(separator: ",")
      let fields = [
        tool.id, assignment.access.rawValue, tool.risk.rawValue, needs, tool.category, tool.title, tool.summary,
        tool.command,
        tool.results.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\u{1E}"),
      ]
      return fields.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ").replacing("\t", with: " ") }
        .joined(separator: "\t") + "\n"
    }.joined()
  }
}
