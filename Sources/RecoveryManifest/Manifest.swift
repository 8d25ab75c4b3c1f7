// SPDX-License-Identifier: GPL-3.0-or-later

/// What an organisation wants to have built: a parsed, validated manifest with `extends` and defaults applied.
///
///     rescue.toml ──▶ ManifestReader ──▶ Manifest ──▶ RecoveryPlan
///                       │    ▲
///                       ▼    └── Catalogue (tool files)
///                  [Diagnostic]   every error at once, each with line, column and remedy
///
/// Pure: it takes text and returns values; reading files is its caller's.
public struct Manifest: Sendable, Equatable {
  /// The images in the order of the manifest.
  public var images: [Image]
  /// A mirror to use instead of the host's own apt sources, or nil.
  public var mirror: String?

  /// Wraps images.
  public init(images: [Image], mirror: String? = nil) {
    self.images = images
    self.mirror = mirror
  }
}

/// The processor architectures, as DaRT names them.
public enum Architecture: String, Sendable, Codable, CaseIterable, Comparable {
  /// Debian amd64.
  case x64
  /// Debian i386.
  case x86

  /// Debian's name.
  public var debian: String { self == .x64 ? "amd64" : "i386" }
  /// x64 before x86.
  public static func < (a: Architecture, b: Architecture) -> Bool { a.rawValue < b.rawValue }
}

/// Who may start a tool at the keyboard.
public enum Access: String, Sendable, Codable, CaseIterable {
  /// Anyone.
  case user
  /// Visible, locked until the help desk is connected.
  case helpdesk
}

/// What a tool can do to the computer.
public enum Risk: String, Sendable, Codable, CaseIterable {
  case safe
  case changesData = "changes-data"
  case destroysData = "destroys-data"
  case revealsSecrets = "reveals-secrets"
}

/// What a tool cannot work without.
public enum Need: String, Sendable, Codable, CaseIterable {
  case network
  case root
  case windows
}

/// One recovery tool: an entry of the catalogue, or of the manifest's own `[[tool]]`.
public struct Tool: Sendable, Equatable {
  /// Unique, `[a-z0-9-]+`.
  public var id: String
  /// What the menu shows.
  public var title: String
  /// One sentence.
  public var summary: String
  /// Groups tools in the menu, such as `disks`.
  public var category: String
  /// Debian packages per architecture; an architecture that is absent here cannot have the tool.
  public var packages: [Architecture: [String]]
  /// The POSIX sh command line that the menu starts.
  public var command: String
  /// What it can do to the computer.
  public var risk: Risk
  /// What it cannot work without.
  public var needs: Set<Need>
  /// Installed size in KiB of its packages alone, per architecture.
  public var installedKiB: [Architecture: Int]
  /// SPDX expression of its main program.
  public var licence: String
  /// The DaRT tool it answers, or nil.
  public var dart: String?
  /// Whether the group `standard` holds it; the group `all` holds every tool of the catalogue.
  public var standard: Bool

  public init(
    id: String, title: String, summary: String, category: String, packages: [Architecture: [String]], command: String,
    risk: Risk, needs: Set<Need> = [], installedKiB: [Architecture: Int] = [:], licence: String = "",
    dart: String? = nil,
    standard: Bool = false
  ) {
    self.id = id
    self.title = title
    self.summary = summary
    self.category = category
    self.packages = packages
    self.command = command
    self.risk = risk
    self.needs = needs
    self.installedKiB = installedKiB
    self.licence = licence
    self.dart = dart
    self.standard = standard
  }
}

/// One named recovery image: a support level.
public struct Image: Sendable, Equatable {
  /// Unique, `[a-z0-9-]+`.
  public var name: String
  /// What menus show.
  public var title: String
  /// The image that this one is a difference to, or nil.
  public var extends: String?
  /// Built for these.
  public var architectures: [Architecture]
  /// Debian release, such as `bookworm`.
  public var release: String
  /// The tools with their access, in catalogue order; an absent tool does not occur.
  public var tools: [Assignment]
  /// Debian packages beside those of the tools; sorted, unique.
  public var packages: [String]
  /// Debian firmware packages; sorted, unique.
  public var firmware: [String]
  /// Files to lay over the system: path in the image (no leading slash) to the path beside the manifest.
  public var files: [String: String]
  /// Executables run inside the finished system, in order; paths beside the manifest.
  public var hooks: [String]
  public var locale: String
  public var keyboard: String
  public var timeZone: String
  /// Added to the kernel command line.
  public var kernelArguments: [String]
  /// `grub.pbkdf2.sha512.…`, or nil for a menu that anybody may edit.
  public var menuPassword: String?
  /// Seconds that the boot menu waits.
  public var bootTimeout: Int
  /// `YYYY-MM-DD`, the last day on which the image should be used, or nil.
  public var expires: String?

  /// A tool and who may start it.
  public struct Assignment: Sendable, Equatable {
    public var tool: Tool
    public var access: Access
    public init(tool: Tool, access: Access) {
      self.tool = tool
      self.access = access
    }
  }

  public init(
    name: String, title: String, extends: String? = nil, architectures: [Architecture] = [.x64],
    release: String = "bookworm", tools: [Assignment] = [], packages: [String] = [], firmware: [String] = [],
    files: [String: String] = [:], hooks: [String] = [], locale: String = "C.UTF-8", keyboard: String = "us",
    timeZone: String = "UTC", kernelArguments: [String] = [], menuPassword: String? = nil, bootTimeout: Int = 5,
    expires: String? = nil
  ) {
    self.name = name
    self.title = title
    self.extends = extends
    self.architectures = architectures
    self.release = release
    self.tools = tools
    self.packages = packages
    self.firmware = firmware
    self.files = files
    self.hooks = hooks
    self.locale = locale
    self.keyboard = keyboard
    self.timeZone = timeZone
    self.kernelArguments = kernelArguments
    self.menuPassword = menuPassword
    self.bootTimeout = bootTimeout
    self.expires = expires
  }

  /// All Debian packages that the image asks for on an architecture, beside the base; sorted, unique.
  public func requestedPackages(_ architecture: Architecture) -> [String] {
    let fromTools = tools.flatMap { $0.tool.packages[architecture] ?? [] }
    return Set(fromTools + packages + firmware).sorted()
  }
}
