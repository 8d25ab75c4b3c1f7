// SPDX-License-Identifier: GPL-3.0-or-later
internal import StrictTOML

/// What the texts of a manifest must look like. The patterns keep to what Swift, ECMA and Python read alike.
enum TextRules {
  static let imageName = TextRule(
    meaning: "a name of lower-case letters, digits and hyphens, at most 32", pattern: "^[a-z0-9][a-z0-9-]*$",
    length: 1...32)

  static let toolID = TextRule(
    meaning: "the id of a tool, or all, or standard", pattern: "^[a-z0-9][a-z0-9-]*$", length: 1...32)

  static let newToolID = TextRule(
    meaning: "an id of lower-case letters, digits and hyphens, at most 32, other than all and standard",
    pattern: "^(?!all$|standard$)[a-z0-9][a-z0-9-]*$", length: 1...32)

  static let title = TextRule(
    meaning: "one line of at most 64 characters", pattern: oneLine, length: 1...64,
    remedy: "Shorten it to one line of at most 64 characters without control characters.")

  static let sentence = TextRule(
    meaning: "one line of at most 160 characters", pattern: oneLine, length: 1...160,
    remedy: "Shorten it to one line of at most 160 characters without control characters.")

  static let command = TextRule(
    meaning: "one line of POSIX sh", pattern: oneLine, length: 1...1024,
    remedy: "Write one line without tabs; put a longer program into a file of the image and name it here.")

  static let exitStatus = TextRule(
    meaning: "an exit status, or a bit of one", pattern: "^(?:0|[1-9][0-9]{0,2}|bit [0-7])$",
    remedy: #"Write a number from 0 to 255 such as "2", or a bit from "bit 0" to "bit 7"."#)

  static let result = TextRule(
    meaning: "one line of at most 240 characters", pattern: oneLine, length: 1...240,
    remedy: "Shorten it to one line of at most 240 characters without control characters.")

  static let architecture = TextRule(
    meaning: "x64 or x86", allowed: Architecture.allCases.map(\.rawValue),
    aliases: [
      "amd64": "x64", "x86_64": "x64", "x86-64": "x64", "64": "x64", "i386": "x86", "i686": "x86", "x32": "x86",
      "32": "x86",
    ])

  static let release = TextRule(
    meaning: "the code name of a Debian release that Lifeboat knows", allowed: DebianRelease.allCases.map(\.rawValue),
    aliases: ["12": "bookworm", "oldstable": "bookworm", "13": "trixie", "stable": "trixie"])

  static let locale = TextRule(
    meaning: "a UTF-8 locale", pattern: #"^(?:C|[a-z]{2,3}_[A-Z]{2})\.UTF-8$"#,
    remedy: #"Write a locale such as "en_GB.UTF-8", or "C.UTF-8"."#)

  static let keyboard = TextRule(
    meaning: "the XKB name of a keyboard layout", pattern: "^[a-z][a-z0-9_-]*$", length: 2...32,
    remedy: #"Write a layout such as "us", "gb" or "de"; man xkeyboard-config lists them."#)

  static let timeZone = TextRule(
    meaning: "a name of the IANA time zone database",
    pattern: "^[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9][A-Za-z0-9_+-]*)*$", length: 1...64,
    remedy: #"Write a name such as "Europe/London" or "UTC"; timedatectl list-timezones lists them."#)

  /// Debian Policy 5.6.1: at least two characters, lower case.
  static let package = TextRule(
    meaning: "the name of a Debian package", pattern: "^[a-z0-9][a-z0-9+.-]+$", length: 2...128,
    remedy: "Write the package's name alone, in lower case, without a version or an architecture.")

  static let firmware = TextRule(
    meaning: "a firmware set or a firmware package",
    pattern: "^(?:\(FirmwareSet.allCases.map(\.rawValue).joined(separator: "|"))"
      + "|firmware-[a-z0-9][a-z0-9+.-]*|(?:amd64|intel)-microcode)$",
    suggestions: FirmwareSet.allCases.map(\.rawValue),
    remedy: "Write a set (\(FirmwareSet.allCases.map(\.rawValue).joined(separator: ", "))) or a package firmware-….")

  static let pathInImage = TextRule(
    meaning: "a path in the image without a leading slash and without . or .. in it",
    pattern: #"^(?!(?:.*/)?\.\.?(?:/|$))[^/\x00-\x1f\x7f]+(?:/[^/\x00-\x1f\x7f]+)*$"#,
    remedy: #"Write the path from the root of the image, such as "etc/motd"."#)

  static let pathBesideManifest = TextRule(
    meaning: "a path seen from the manifest's folder", pattern: #"^[^/\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"#,
    remedy: "Write a path that starts in the folder of the manifest, without a leading slash.")

  /// GRUB reads the line too: what is special in its language (or to the kernel's splitting) is not let in.
  static let kernelArgument = TextRule(
    meaning: "one kernel argument without spaces, quotes or $, and none that Lifeboat sets itself",
    pattern: #"^(?!boot=|live-media|lifeboat\.|initrd=)[A-Za-z0-9_.,:/=@%+*~!^?\[\]()-]+$"#, length: 1...256,
    remedy: "Write one argument per entry, plain characters only; boot=, live-media…, lifeboat.… and initrd= are taken."
  )

  static let menuPassword = TextRule(
    meaning: "a line that grub-mkpasswd-pbkdf2 printed, from grub.pbkdf2 on",
    pattern: #"^grub\.pbkdf2\.sha512\.[1-9][0-9]*\.(?:[0-9A-Fa-f]{2})+\.(?:[0-9A-Fa-f]{2})+$"#,
    remedy:
      "Make one with grub-mkpasswd-pbkdf2 and copy it from grub.pbkdf2 to the end; never write the password itself.")

  static let mirror = TextRule(
    meaning: "the URL of a Debian repository, or the absolute path of a local one",
    pattern: "^(?:\(repository)|(?:\(sourceLine)\\n)*\(sourceLine)(?:\\n)?)$", length: 1...2048,
    remedy:
      #"Write a URL such as "https://mirror.contoso.example/debian", an absolute path, or lines of sources.list(5)."#)

  private static let repository =
    #"(?:https?://[^\s"'\[\]/][^\s"'\[\]]*|(?:file://)?/[^\s"'\[\]]*)"#
  /// No option but keyrings and, for snapshots, the age of the release file: `trusted=yes` would let unsigned packages
  /// in.
  private static let sourceOption = #"(?:signed-by=/[^\s"'\[\]]+|check-valid-until=(?:yes|no))"#
  private static let sourceLine =
    #"deb (?:\[ ?\#(sourceOption)(?: \#(sourceOption))* ?\] )?(?:https?|file):/[^\s"'\[\]]+(?: [A-Za-z0-9./-]+){2,}"#

  static let licence = TextRule(
    meaning: "an SPDX licence expression", pattern: "^[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*$",
    length: 1...128, remedy: #"Write an SPDX identifier such as "GPL-2.0-or-later"."#)

  private static let oneLine = #"^[^\x00-\x1f\x7f-\x9f]+$"#
}
