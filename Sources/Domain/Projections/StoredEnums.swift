// Bytes of the enumerations of messages: their published numbers. A number that this version does not
// know is kept as it is.

package import Events
package import Records

extension EventSide: Stored {
    package func write(to writer: inout ByteWriter) { writer.fixed(Int32(rawValue)) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        let number = Int(try reader.fixed(Int32.self))
        self = EventSide(rawValue: number) ?? .UNRECOGNIZED(number)
    }
}

extension EventPositionSide: Stored {
    package func write(to writer: inout ByteWriter) { writer.fixed(Int32(rawValue)) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        let number = Int(try reader.fixed(Int32.self))
        self = EventPositionSide(rawValue: number) ?? .UNRECOGNIZED(number)
    }
}

extension EventAction: Stored {
    package func write(to writer: inout ByteWriter) { writer.fixed(Int32(rawValue)) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        let number = Int(try reader.fixed(Int32.self))
        self = EventAction(rawValue: number) ?? .UNRECOGNIZED(number)
    }
}

extension EventHeartStatus: Stored {
    package func write(to writer: inout ByteWriter) { writer.fixed(Int32(rawValue)) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        let number = Int(try reader.fixed(Int32.self))
        self = EventHeartStatus(rawValue: number) ?? .UNRECOGNIZED(number)
    }
}
