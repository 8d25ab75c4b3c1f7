// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import TestSupport
import Testing

/// Real drivers of a real kernel: what `lifeboat devices` says of them.
@Suite(.serialized, .enabled(if: LabMedium.program != nil, "set LIFEBOAT_LAB_PROGRAM (make lab-test)"))
struct DeviceTests {
  @Test func drivesOfEveryBusAreToldApart() async throws {
    let drives = [
      LabDrive(id: "stick", serial: "STICK-0001"), LabDrive(id: "uas", kind: .uas, serial: "UAS-0001"),
      LabDrive(id: "card", kind: .card, serial: "", size: .mebibytes(256)),
    ]
    try await LabMachine.with(drives, targets: []) { lab in
      let answer = try await lab.lifeboat("devices --all")
      print(try await lab.shell.run("lsblk -o NAME,SIZE,RM,RO,TRAN,SERIAL,MODEL; ls -l /dev/disk/by-id"))
      print(answer)
      #expect(answer.status == 0)
    }
  }
}
