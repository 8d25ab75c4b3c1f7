// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import NetworkBootProtocol
import TestSupport
import Testing

@Suite("Scapy judges our packets") struct ForeignJudgeTests {
  /// Reads lines `dhcp HEX` and `tftp HEX`, writes what Scapy finds in them.
  private static let judge = """
    import sys
    from scapy.layers.dhcp import BOOTP, DHCP
    from scapy.layers.tftp import TFTP, TFTP_RRQ, TFTP_OACK, TFTP_DATA, TFTP_ACK, TFTP_ERROR
    for line in sys.stdin:
        kind, digits = line.split()
        if kind == "dhcp":
            b = BOOTP(bytes.fromhex(digits))
            names = [o if isinstance(o, str) else o[0] for o in b[DHCP].options]
            values = dict((o[0], o[1]) for o in b[DHCP].options if not isinstance(o, str))
            names = [str(n) for n in names if n != "pad"]
            print(b.op, hex(b.xid), b.yiaddr, b.siaddr, b.giaddr, b.chaddr[:b.hlen].hex(),
                  b.file.rstrip(b"\\0").decode(), values.get("message-type"), values.get("server_id"),
                  " ".join(names), sep="|")
        else:
            t = TFTP(bytes.fromhex(digits))
            inner = t.payload
            options = [(o.oname.decode(), o.value.decode()) for o in getattr(inner.payload, "options", [])]
            print(t.op, getattr(inner, "block", ""), getattr(inner, "errorcode", ""), options, sep="|")
    """

  private static func line(_ kind: String, _ bytes: [UInt8]) -> String {
    kind + " " + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "\n"
  }

  @Test("answers and transfers are what they should be to a foreign parser") func scapy() async throws {
    // Debian's own interpreter, because the module is Debian's; another one may stand before it in PATH.
    let python = "/usr/bin/python3"
    let view = ServerView.everything
    let relayed = view.decide(.x64HTTP) {
      $0.relay = IPv4Address("10.7.0.1")!
      $0.options[.relayAgentInformation] = hex("0104 00ff0001")
    }
    let wait = try #require(view.with { $0.shadow = .reply }.decide(.x64).wait)
    guard case .answer(let shadow, _) = wait.step(seeing: Wire.offer(to: Firmware.x64.packet())) else {
      Issue.record("no shadow reply")
      return
    }
    let option = TFTPOption(.blksize, 1468)
    let transfer = try TFTPTransfer(TFTPRequest(name: text("a"), options: [option, TFTPOption(.tsize, 0)]), size: 99)
    let answers = [view.decide(.bios).answer, relayed.answer, view.decideAtBootServer(.ia32).answer, shadow]
    var input = try answers.map { Self.line("dhcp", try #require($0).bytes()) }.joined()
    let packets: [TFTPPacket] = [
      transfer.options, .data(block: 258, [1]), .acknowledgement(block: 65535), TFTPRefusal.write.packet,
    ]
    input += packets.map { Self.line("tftp", $0.serialised) }.joined()
    let output = try await ExternalCommand(python, ["-c", Self.judge]).text(input: Array(input.utf8))
    let lines = output.split(separator: "\n").map(String.init)
    let start = "2|0x1a2b3c4d"
    let mac = "525400123456"
    let offer = "message-type server_id vendor_class_id"
    let machine = "pxe_client_machine_identifier 224"
    let end = "\(machine) boot-file-name end"
    #expect(
      lines == [
        "\(start)|0.0.0.0|10.66.0.2|0.0.0.0|\(mac)|grub.pxe|2|10.66.0.2|\(offer) vendor_specific tftp_server_name \(end)",
        "\(start)|0.0.0.0|10.66.0.2|10.7.0.1|\(mac)||2|10.66.0.2|\(offer) \(machine) relay_agent_information boot-file-name end",
        "\(start)|0.0.0.0|10.66.0.2|0.0.0.0|\(mac)|grubia32.efi|5|10.66.0.2|\(offer) tftp_server_name \(end)",
        "\(start)|10.66.0.145|10.66.0.2|0.0.0.0|\(mac)|shimx64.efi|None|10.66.0.2|subnet_mask router server_id end",
        "6|||[('blksize', '1468'), ('tsize', '99')]", "3|258||[]", "4|65535||[]", "5||2|[]",
      ])
  }
}
