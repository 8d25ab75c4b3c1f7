// SPDX-License-Identifier: GPL-3.0-or-later
internal import SystemPackage

/// Which firmware files QEMU is given, and how.
extension TrialMachine.Firmware {
  /// A firmware file and the Debian package that brings it.
  struct File {
    var path: FilePath
    var package: String
  }

  /// Code first, then the template of the variables; none for a BIOS, which QEMU brings itself.
  var files: [File] {
    let folder: FilePath = "/usr/share/OVMF"
    let (names, package): ([String], String) =
      switch self {
      case .bios: ([], "")
      case .uefi: (["OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd"], "ovmf")
      case .secureBoot: (["OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd"], "ovmf")
      case .uefiIA32: (["OVMF32_CODE_4M.secboot.fd", "OVMF32_VARS_4M.fd"], "ovmf-ia32")
      }
    return names.map { File(path: folder.appending($0), package: package) }
  }

  /// Firmware that can enforce Secure Boot keeps its variables behind System Management Mode, which the machine must
  /// have; Debian's IA32 build is of that kind even where, as here, no keys are enrolled.
  private var needsSMM: Bool { self == .secureBoot || self == .uefiIA32 }

  /// The machine type, and the flash chips: code read-only, variables as an overlay that is forgotten.
  var arguments: [String] {
    guard self != .bios else { return ["-machine", "pc"] }
    var arguments = ["-machine", needsSMM ? "q35,smm=on" : "q35"]
    if needsSMM {
      arguments += [
        "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1",
      ]
    }
    for (unit, file) in files.enumerated() {
      let access = unit == 0 ? "readonly=on" : "snapshot=on"
      arguments += ["-drive", "if=pflash,unit=\(unit),format=raw,\(access),file=\(file.path)"]
    }
    return arguments
  }
}
