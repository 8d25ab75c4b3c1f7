// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import RecoveryManifest

/// Turns a manifest into a plan. Pure: what the archive and the host have to say comes in as values.
public struct Planner: Sendable {
  /// What the host adds to the content keys.
  public struct Surroundings: Sendable {
    /// Lifeboat's version.
    public var lifeboat: String
    /// Versions of the programs that shape the result: mmdebstrap, mksquashfs, grub-mkimage ….
    public var programs: [String: String]
    /// Digests of the recipes: of the files used while building, of the files that go into every image, of the
    /// boot menu's sources.
    public var recipes: [Recipe: Digest]
    /// Digests of the manifest's `files` and `hooks`, by their path beside the manifest.
    public var files: [String: Digest]
    /// For each release the time of its archive, in seconds since 1970, which generated files carry.
    public var times: [String: Int64]
    /// What has to be said of the archives.
    public var notes: ArchiveNotes
    /// The digest of Lifeboat's own program, for images with a tool that starts it.
    public var program: Digest?
    /// What the signing key is, as its public line; nil for media without a signature.
    public var signer: String?

    /// The time as an input of a step.
    func time(_ release: String) -> [String: String] { ["time": "\(times[release] ?? 0)"] }

    /// Collects what the host adds.
    public init(
      lifeboat: String, programs: [String: String], recipes: [Recipe: Digest], files: [String: Digest], signer: String?,
      times: [String: Int64] = [:], notes: ArchiveNotes = ArchiveNotes()
    ) {
      self.lifeboat = lifeboat
      self.programs = programs
      self.recipes = recipes
      self.files = files
      self.signer = signer
      self.times = times
      self.notes = notes
    }
  }

  /// The data files of Lifeboat that shape results.
  public enum Recipe: String, Sendable, CaseIterable {
    /// Used while building base, tools and initramfs.
    case build
    /// Copied into every image.
    case image
    /// The boot menu.
    case boot
  }

  /// What is to be built: nil selects all.
  public struct Selection: Sendable {
    /// Image names.
    public var images: [String]?
    /// Which architectures each medium carries.
    public var architectures: Architectures

    /// A choice of architectures.
    public enum Architectures: Sendable, Equatable {
      /// One medium for each architecture of the image.
      case each
      /// One medium for this architecture; images without it are passed over.
      case only(Architecture)
      /// One medium that carries all architectures of the image.
      case together
    }

    /// Selects.
    public init(images: [String]? = nil, architectures: Architectures = .each) {
      self.images = images
      self.architectures = architectures
    }
  }

  private let manifest: Manifest
  private let media: [(image: Image, architectures: [Architecture])]

  /// Chooses the media to be planned.
  /// - Throws: `Failure` if the selection names what the manifest does not have.
  public init(_ manifest: Manifest, _ selection: Selection = Selection()) throws(Failure) {
    self.manifest = manifest
    for name in selection.images ?? [] where !manifest.images.contains(where: { $0.name == name }) {
      throw .unknownImage(name, known: manifest.images.map(\.name))
    }
    var media: [(Image, [Architecture])] = []
    for image in manifest.images where selection.images?.contains(image.name) ?? true {
      switch selection.architectures {
      case .each: media += image.architectures.map { (image, [$0]) }
      case .only(let architecture) where image.architectures.contains(architecture):
        media.append((image, [architecture]))
      case .only: continue
      case .together: media.append((image, image.architectures.sorted()))
      }
    }
    guard !media.isEmpty else { throw .nothingSelected }
    self.media = media
  }

  /// Whether Lifeboat's own program goes into a medium.
  public var needsProgram: Bool {
    media.contains { image, architectures in architectures.contains { image.needsProgram($0) } }
  }

  /// What has to be asked of the archive before planning: one stack for each image and architecture, and one for
  /// the loaders of each index.
  public var stacks: [LayerStack] {
    var stacks: [LayerStack] = []
    for (image, architectures) in media {
      stacks += architectures.map { stack(image, $0) } + Architecture.allCases.map { loaderStack(image.release, $0) }
    }
    return stacks.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  private func stack(_ image: Image, _ architecture: Architecture) -> LayerStack {
    LayerStack(
      release: image.release, architecture: architecture,
      requests: SystemRecipe.requests(image, manifest, architecture))
  }

  /// The release of an image is also its loaders'; but i386 has no loaders of its own after bookworm.
  private func loaderStack(_ release: String, _ architecture: Architecture) -> LayerStack {
    LayerStack(
      release: release, architecture: architecture, requests: [SystemRecipe.loaderPackages(architecture)])
  }

  /// Makes the plan.
  /// - Parameters:
  ///   - resolved: the archive's answer to each of `stacks`.
  ///   - surroundings: what the host adds.
  /// - Throws: `Failure.unresolved` if an answer is missing.
  public func plan(_ resolved: [LayerStack: ResolvedStack], _ surroundings: Surroundings) throws(Failure) -> Plan {
    var plan = Plan(steps: [], media: [])
    func add(_ step: Step) -> Digest {
      let key = step.key
      if !plan.steps.contains(where: { $0.key == key }) { plan.steps.append(step) }
      return key
    }
    func answer(_ stack: LayerStack) throws(Failure) -> ResolvedStack {
      guard let answer = resolved[stack] else { throw .unresolved(stack) }
      return answer
    }
    for (image, architectures) in media {
      var systems: [Plan.System] = []
      for architecture in architectures {
        let layers = try answer(stack(image, architecture)).layers
        let steps = SystemSteps(image: image, architecture: architecture, surroundings: surroundings)
        let base = add(steps.base(layers[0]))
        let initramfs = add(steps.initramfs(on: base))
        var tools: [Digest] = []
        for (index, packages) in layers.dropFirst().enumerated() where !packages.isEmpty {
          let name = layers.dropFirst().count == index + 1 ? image.name : image.extends ?? image.name
          tools.append(add(steps.tools(packages, name: name, on: [base] + tools)))
        }
        var program: Digest?
        if image.needsProgram(architecture) {
          guard let digest = surroundings.program else { throw .noProgram }
          program = add(steps.program(digest))
        }
        let settings = add(steps.settings(on: [base] + tools, below: layers.flatMap(\.self)))
        systems.append(
          Plan.System(
            architecture: architecture, base: base, initramfs: initramfs, tools: tools, program: program,
            settings: settings))
      }
      let amd64 = try answer(loaderStack(image.release, .x64)).layers[0]
      let i386 = try answer(loaderStack(image.release, .x86)).layers[0]
      let loaders = add(
        Step(
          kind: .loaders, name: image.release, architecture: nil, inputs: surroundings.time(image.release),
          packages: amd64 + i386))
      let medium = Self.mediumStep(image, systems, loaders: loaders, surroundings)
      plan.media.append(Plan.Medium(image: image, systems: systems, loaders: loaders, key: add(medium)))
    }
    return plan
  }

  private static func mediumStep(
    _ image: Image, _ systems: [Plan.System], loaders: Digest, _ surroundings: Surroundings
  ) -> Step {
    var inputs = [
      "lifeboat": surroundings.lifeboat, "title": image.title, "boot timeout": "\(image.bootTimeout)",
      "kernel arguments": image.kernelArguments.joined(separator: " "), "expires": image.expires ?? "never",
      "signer": surroundings.signer ?? "nobody", "release": image.release, "image": image.name,
      "boot menu": surroundings.recipes[.boot]?.hex ?? "",
    ]
    inputs["menu password"] = image.menuPassword
    inputs.merge(surroundings.notes.inputs) { $1 }
    for program in ["grub-mkimage", "mkfs.vfat", "mcopy"] { inputs[program] = surroundings.programs[program] }
    return Step(
      kind: .medium,
      name: systems.count == 1 ? "\(systems[0].architecture.rawValue) \(image.name)" : image.name,
      architecture: systems.count == 1 ? systems[0].architecture : nil, inputs: inputs,
      dependencies: systems.flatMap(\.steps) + [loaders])
  }

  /// Why there is no plan.
  public enum Failure: Diagnosable, Equatable {
    /// The selection names an image that the manifest does not have.
    case unknownImage(String, known: [String])
    /// No image has the selected architecture.
    case nothingSelected
    /// The archive was not asked about this stack.
    case unresolved(LayerStack)
    /// A tool starts Lifeboat's program, and nobody said which one that is.
    case noProgram

    /// Stable identifier.
    public var code: String {
      switch self {
      case .unknownImage: "unknown-image"
      case .nothingSelected: "nothing-selected"
      case .unresolved: "unresolved"
      case .noProgram: "no-program"
      }
    }
    /// What is wrong with the selection.
    public var message: String {
      switch self {
      case .unknownImage(let name, _): "the manifest has no image named \"\(name)\""
      case .nothingSelected: "no image of the manifest is for the selected architecture"
      case .unresolved(let stack): "no packages were resolved for \(stack.architecture.rawValue) \(stack.release)"
      case .noProgram: "no program was given for the layer with Lifeboat's own"
      }
    }
    /// What can be selected.
    public var remedy: String? {
      switch self {
      case .unknownImage(_, let known): "Choose one of: \(known.joined(separator: ", "))"
      case .nothingSelected: "Add the architecture to the image's `architectures`, or select another one."
      case .unresolved, .noProgram: nil
      }
    }
    /// Wrong input, except for the defect.
    public var kind: FailureKind {
      switch self {
      case .unknownImage, .nothingSelected: .badInput
      case .unresolved, .noProgram: .defect
      }
    }
  }
}
