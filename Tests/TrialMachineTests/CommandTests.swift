// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import TrialMachine

struct CommandTests {
  private let medium: FilePath = "/srv/a,b.iso"

  @Test func biosDisc() throws {
    let command = try TrialMachine(medium: medium, console: .terminal, hasNetwork: false)
      .command(accelerator: .emulation)
    #expect(command.program == "qemu-system-x86_64")
    #expect(command.package == "qemu-system-x86")
    #expect(
      command.arguments == [
        "-name", "lifeboat", "-nodefaults", "-no-user-config", "-accel", "tcg", "-cpu", "qemu64", "-m", "2048M",
        "-device", "VGA", "-device", "virtio-rng-pci", "-machine", "pc", "-drive",
        "if=none,id=medium0,format=raw,media=cdrom,readonly=on,file=/srv/a,,b.iso", "-device",
        "ide-cd,bus=ide.0,drive=medium0,bootindex=0", "-display", "none", "-serial", "mon:stdio", "-nic", "none",
      ])
  }

  @Test func secureBootStickUnderKVM() throws {
    let command = try TrialMachine(
      medium: "/srv/x.iso", attachment: .stick, firmware: .secureBoot, memory: .mebibytes(1024)
    ).command(accelerator: .kvm)
    #expect(
      command.arguments == [
        "-name", "lifeboat", "-nodefaults", "-no-user-config", "-accel", "kvm", "-cpu", "host", "-m", "1024M",
        "-device", "VGA", "-device", "virtio-rng-pci", "-machine", "q35,smm=on", "-global",
        "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1", "-drive",
        "if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "-drive",
        "if=pflash,unit=1,format=raw,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.ms.fd", "-device",
        "qemu-xhci,id=usb", "-drive", "if=none,id=medium0,format=raw,snapshot=on,file=/srv/x.iso", "-device",
        "usb-storage,bus=usb.0,removable=on,drive=medium0,bootindex=0", "-device", "usb-ehci,id=input", "-device",
        "usb-tablet,bus=input.0", "-netdev", "user,id=network", "-device", "e1000,netdev=network,romfile=",
      ])
  }

  @Test func a32BitProcessor() throws {
    let bios = try TrialMachine(medium: medium, hasCPU32Bit: true).command(accelerator: .emulation)
    #expect(bios.arguments.contains("qemu32"))
    let efi = try TrialMachine(medium: medium, firmware: .uefiIA32, hasCPU32Bit: true).command(accelerator: .emulation)
    #expect(efi.arguments.contains("qemu32,+nx"))
    #expect(efi.arguments.contains { $0.hasSuffix("OVMF32_CODE_4M.secboot.fd") })
  }

  @Test func theBootedMediumComesLastInTheOrderOfDevicesAndFirstInTheOrderOfBooting() throws {
    var machine = TrialMachine(medium: "/b.iso", attachment: .stick)
    machine.companions = ["/a.iso"]
    let arguments = try machine.command(accelerator: .emulation).arguments
    let drives = arguments.filter { $0.hasPrefix("if=none") || $0.hasPrefix("usb-storage") }
    #expect(
      drives == [
        "if=none,id=medium0,format=raw,snapshot=on,file=/a.iso",
        "usb-storage,bus=usb.0,removable=on,drive=medium0,bootindex=1",
        "if=none,id=medium1,format=raw,snapshot=on,file=/b.iso",
        "usb-storage,bus=usb.0,removable=on,drive=medium1,bootindex=0",
      ])
  }

  @Test(arguments: [TrialMachine.Firmware.uefi, .secureBoot])
  func impossibleComputersAreRefused(_ firmware: TrialMachine.Firmware) {
    let failure = #expect(throws: TrialMachineFailure.self) {
      try TrialMachine(medium: medium, firmware: firmware, hasCPU32Bit: true).command(accelerator: .kvm)
    }
    #expect(failure?.code == "no-such-computer")
    #expect(failure?.kind == .badRequest)
  }

  @Test func tooLittleMemoryIsRefused() {
    #expect(throws: TrialMachineFailure.tooLittleMemory(.mebibytes(64))) {
      try TrialMachine(medium: medium, memory: .mebibytes(64)).command(accelerator: .kvm)
    }
  }

  @Test func aMissingMediumIsNamed() {
    let failure = #expect(throws: TrialMachineFailure.self) { try TrialMachine(medium: "/nowhere/x.iso").command() }
    #expect(failure == .mediumUnreadable("/nowhere/x.iso", .noSuchFileOrDirectory))
    #expect(failure?.kind == .noInput)
  }

  @Test func missingFirmwareNamesItsPackage() {
    let failure = TrialMachineFailure.firmwareMissing(
      file: "/usr/share/OVMF/OVMF32_VARS_4M.fd", package: "ovmf-ia32")
    #expect(failure.remedy == "Install it: apt-get install ovmf-ia32")
    #expect(TrialMachine.Firmware.uefiIA32.files.map(\.package) == ["ovmf-ia32", "ovmf-ia32"])
    #expect(TrialMachine.Firmware.secureBoot.files.map(\.package) == ["ovmf", "ovmf"])
  }

  @Test func kvmNeedsVirtualizationInTheProcessor() {
    #expect(TrialMachine.Accelerator.canVirtualize("processor\t: 0\nflags\t\t: fpu vmx sse\n"))
    #expect(TrialMachine.Accelerator.canVirtualize("flags\t\t: fpu svm\nflags\t\t: fpu svm\n"))
    #expect(!TrialMachine.Accelerator.canVirtualize("flags\t\t: fpu hypervisor svmx\n"))
    #expect(!TrialMachine.Accelerator.canVirtualize(""))
  }
}
