// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

extension BlockDevice {
  /// By what this device is known again.
  public var identity: DriveIdentity {
    DriveIdentity(
      serial: serialNumber, wwn: worldWideName, model: modelName, size: size, port: port, sequence: sequence)
  }

  /// A card's own number before that of its reader; a USB device's own before what its bridge tells of the disk.
  private var serialNumber: String? {
    let candidates = bus == .usb ? [usb?.serial, hardware.serial] : [hardware.serial]
    return candidates.lazy.compactMap { $0.map(trimmed) }.first { isTelling($0) }
  }

  /// Names from SCSI that hold maker, model and serial (`t10.…`) name nothing by themselves.
  private var worldWideName: String? {
    guard let wwid = hardware.wwid.map(trimmed), !wwid.hasPrefix("t10."), isTelling(wwid) else { return nil }
    return wwid
  }

  /// Maker and model; `ATA` is what libata puts in a maker's place.
  private var modelName: String {
    if let name = hardware.name.map(trimmed), !name.isEmpty, bus == .mmc { return name }
    let vendor = hardware.vendor.map(trimmed) ?? ""
    let model = hardware.model.map(trimmed) ?? ""
    // On virtio and in a few bridges the maker is a number of the bus.
    let words = [vendor == "ATA" || vendor.hasPrefix("0x") ? "" : vendor, model].filter { !$0.isEmpty }
    if !words.isEmpty { return words.joined(separator: " ") }
    return [usb?.manufacturer, usb?.product].compactMap { $0.map(trimmed) }.joined(separator: " ")
  }
}

/// Serial numbers that makers of cheap devices leave unset name nothing.
private func isTelling(_ text: String) -> Bool {
  text.contains { $0 != "0" && $0 != "F" && $0 != "f" && $0 != "x" && $0 != " " && $0 != "-" }
}

/// Without spaces at the ends, and with single ones between words: fixed-width fields are padded.
func trimmed(_ text: String) -> String {
  text.split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
}

extension DriveIdentity {
  /// A part of an identity in which two drives differ.
  public enum Field: String, Sendable, Hashable, Codable, CaseIterable {
    case serial, wwn, model, size, port, sequence

    /// For messages.
    package var words: String {
      switch self {
      case .serial: "serial number"
      case .wwn: "World Wide Name"
      case .model: "model"
      case .size: "size"
      case .port: "port"
      case .sequence: "sequence number"
      }
    }
  }

  /// Where this drive is not the one that was meant; empty if it is.
  ///
  /// What is not known of one of the two does not differ, as long as it is not known of the one that was meant: a
  /// drive that has lost its serial number is another drive.
  public func differences(from meant: DriveIdentity) -> [Field] {
    Field.allCases.filter { field in
      switch field {
      case .serial: meant.serial != nil && serial != meant.serial
      case .wwn: meant.wwn != nil && wwn != meant.wwn
      case .model: model != meant.model
      case .size: size != meant.size
      case .port: port != meant.port
      case .sequence: meant.sequence != nil && sequence != meant.sequence
      }
    }
  }

  /// What one of its fields says, for messages.
  public func text(of field: Field) -> String {
    switch field {
    case .serial: serial ?? "none"
    case .wwn: wwn ?? "none"
    case .model: model.isEmpty ? "none" : model
    case .size: "\(size.exact) bytes"
    case .port: port
    case .sequence: sequence.map { "\($0)" } ?? "none"
    }
  }
}
