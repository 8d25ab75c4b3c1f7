// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

/// The keys that `[defaults]` and `[[image]]` share, as written: nil and empty mean "not said here".
struct Settings {
  var architectures: Located<[Architecture]>?
  var release: Located<DebianRelease>?
  var locale: String?
  var keyboard: String?
  var timeZone: String?
  var menuPassword: String?
  var bootTimeout: Int?
  var expires: String?
  var packages: [Located<String>] = []
  var firmware: [Located<String>] = []
  var kernelArguments: [Located<String>] = []
  var hooks: [Located<String>] = []
  var files: [String: Located<String>] = [:]

  init() {}

  /// Reads what is of the right kind; the checker has reported the rest.
  init(_ node: TOMLNode) {
    architectures = node["architectures"].flatMap { list in
      let known = list.strings.compactMap { Architecture(rawValue: $0.value) }
      return known.isEmpty ? nil : Located(value: Set(known).sorted(), position: list.position)
    }
    release = node["release"]?.located.flatMap { text in
      DebianRelease(rawValue: text.value).map { Located(value: $0, position: text.position) }
    }
    locale = node["locale"]?.string
    keyboard = node["keyboard"]?.string
    timeZone = node["time-zone"]?.string
    menuPassword = node["menu-password"]?.string
    bootTimeout = node["boot-timeout"].flatMap { $0.integer.map(Int.init(clamping:)) }
    expires = node["expires"]?.date
    packages = node["packages"]?.strings ?? []
    firmware = node["firmware"]?.strings ?? []
    kernelArguments = node["kernel-arguments"]?.strings ?? []
    hooks = node["hooks"]?.strings ?? []
    for entry in node["files"]?.entries ?? [] {
      files[entry.key] = entry.node.string.map { Located(value: $0, position: entry.keyPosition) }
    }
  }

  /// These settings with the differences of another level: single values replace, lists and files add.
  func overlaid(by own: Settings) -> Settings {
    var result = self
    result.architectures = own.architectures ?? architectures
    result.release = own.release ?? release
    result.locale = own.locale ?? locale
    result.keyboard = own.keyboard ?? keyboard
    result.timeZone = own.timeZone ?? timeZone
    result.menuPassword = own.menuPassword ?? menuPassword
    result.bootTimeout = own.bootTimeout ?? bootTimeout
    result.expires = own.expires ?? expires
    result.packages += own.packages
    result.firmware += own.firmware
    result.kernelArguments += own.kernelArguments
    result.hooks += own.hooks
    result.files.merge(own.files) { _, new in new }
    return result
  }
}
