// SPDX-License-Identifier: GPL-3.0-or-later

/// The boot code of another system, which a recovery's has to hand over to.
public enum BootSector {
  /// Writes a line to the serial port by the BIOS (INT 14h, function 1) and stops: 16-bit code, assembled by hand.
  public static func saying(_ line: String) -> [UInt8] {
    // mov si,text; next: lodsb; test al,al; jz stop; mov ah,1; xor dx,dx; int 14h; jmp next; stop: hlt; jmp stop
    let code: [UInt8] = [
      0xfc, 0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x18, 0x7c, 0xac, 0x84, 0xc0, 0x74, 0x08, 0xb4, 0x01, 0x31, 0xd2, 0xcd,
      0x14, 0xeb, 0xf3, 0xf4, 0xeb, 0xfd,
    ]
    return code + Array("\(line)\r\n".utf8) + [0]
  }
}
