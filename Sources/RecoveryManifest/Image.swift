// SPDX-License-Identifier: GPL-3.0-or-later

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
  /// A UTF-8 locale, such as `en_GB.UTF-8`.
  public var locale: String
  /// An XKB keyboard layout, such as `gb`.
  public var keyboard: String
  /// A name of the IANA time zone database, such as `Europe/London`.
  public var timeZone: String
  /// Added to the kernel command line.
  public var kernelArguments: [String]
  /// `grub.pbkdf2.sha512.…`, or nil for a menu that anybody may edit.
  public var menuPassword: String?
  /// How many seconds the boot menu waits.
  public var bootTimeout: Int
  /// `YYYY-MM-DD`, the last day on which the image should be used, or nil.
  public var expires: String?

  /// A tool and who may start it.
  public struct Assignment: Sendable, Equatable {
    /// The tool.
    public var tool: Tool
    /// Who may start it.
    public var access: Access
    /// Pairs the two.
    public init(tool: Tool, access: Access) {
      self.tool = tool
      self.access = access
    }
  }

  /// Wraps the values; the defaults here are the defaults of the manifest.
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

  /// Whether a variant has a tool that starts Lifeboat's own program.
  public func needsProgram(_ architecture: Architecture) -> Bool {
    tools(on: architecture).contains { $0.tool.needs.contains(.lifeboat) }
  }

  /// The tools that a variant can have: those whose packages exist on its architecture.
  ///
  /// A tool that the manifest names itself exists on all architectures of the image; one that came through the group
  /// words `all` or `standard` may lack some.
  public func tools(on architecture: Architecture) -> [Assignment] {
    tools.filter { $0.tool.exists(on: architecture) }
  }

  /// All Debian packages that the image asks for on an architecture, beside the base; sorted, unique.
  public func requestedPackages(_ architecture: Architecture) -> [String] {
    let fromTools = tools(on: architecture).flatMap { $0.tool.packages[architecture] ?? [] }
    return Set(fromTools + packages + firmware).sorted()
  }
}
