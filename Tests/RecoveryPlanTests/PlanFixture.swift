// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import RecoveryPlan

/// An archive that has every package in version 1 and no dependencies.
enum PlanFixture {
  static func tool(_ id: String, _ packages: [String]) -> Image.Assignment {
    Image.Assignment(
      tool: Tool(
        id: id, title: "Title of \(id)", summary: "Summary.", category: "disks",
        packages: [.x64: packages, .x86: packages], command: id, risk: .safe), access: .user)
  }

  static let tier1 = Image(
    name: "tier1", title: "First aid", architectures: [.x64, .x86],
    tools: [tool("testdisk", ["testdisk"]), tool("mc", ["mc"])])

  static let tier2: Image = {
    var image = tier1
    image.name = "tier2"
    image.title = "Second line"
    image.extends = "tier1"
    image.tools.append(tool("wipe", ["nwipe"]))
    return image
  }()

  static let manifest = Manifest(images: [tier1, tier2])

  static func package(_ name: String, version: String = "1") -> ResolvedPackage {
    let file = "\(name)_\(version)_amd64.deb"
    return ResolvedPackage(
      name: name, version: version, file: file, size: ByteCount(1_000_000), sha256: Digest(of: file))
  }

  static func resolve(_ stacks: [LayerStack], versions: [String: String] = [:]) -> [LayerStack: ResolvedStack] {
    Dictionary(
      uniqueKeysWithValues: stacks.map { stack in
        (stack, ResolvedStack(layers: stack.requests.map { $0.map { package($0, version: versions[$0] ?? "1") } }))
      })
  }

  static let surroundings = Planner.Surroundings(
    lifeboat: "1.0", programs: ["mmdebstrap": "1.3.5", "mksquashfs": "4.5.1"],
    recipes: [.build: Digest(of: "build"), .image: Digest(of: "image"), .boot: Digest(of: "boot")], files: [:],
    signer: nil)

  static func plan(
    _ manifest: Manifest = manifest, _ selection: Planner.Selection = .init(), versions: [String: String] = [:],
    surroundings: Planner.Surroundings = surroundings
  ) throws -> Plan {
    let planner = try Planner(manifest, selection)
    return try planner.plan(resolve(planner.stacks, versions: versions), surroundings)
  }
}
