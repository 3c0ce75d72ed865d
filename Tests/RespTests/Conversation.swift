// One conversation, word for word: every command's forms, options and mistakes. A line is a command; `␣` is a space inside
// a word, `""` an empty word. What a clock makes (ids of `*`, idle times) is not asked for here.

enum Conversation {
    static let two = """
        XADD s 1-1 f v
        XADD s 1-* f v g h
        XADD s 1-1 f v
        XADD s 0-0 f v
        XADD s 5 a b
        XLEN s
        XRANGE s - +
        XRANGE s - + COUNT 1
        XRANGE s - + COUNT 0
        XRANGE s - + COUNT -3
        XRANGE s (1-1 +
        XRANGE s 1 1
        XRANGE s 7 3
        XREVRANGE s + -
        XREVRANGE s + - COUNT 1
        XREVRANGE s 1 5
        XRANGE s ( +
        XRANGE s (- +
        XRANGE s (18446744073709551615-18446744073709551615 +
        XRANGE s - (0-0
        XRANGE s - + COUNT
        XRANGE s - + FOO 1
        XRANGE s - + COUNT x
        XRANGE nokey - + COUNT 0
        XADD nn NOMKSTREAM * f v
        XADD s MAXLEN 2 6-0 a b
        XLEN s
        XADD s MAXLEN = 2 7-0 a b
        XADD s MINID 7 8-0 a b
        XADD s MINID ~ 7 9-0 a b
        XADD s MAXLEN ~ 1 10-0 a b
        XLEN s
        XTRIM s MAXLEN 2
        XTRIM s MAXLEN 2 LIMIT 3
        XTRIM s MINID 10
        XTRIM s FOO 1
        XTRIM s LIMIT 4
        XTRIM s MAXLEN ~ 5 LIMIT 0
        XTRIM s MAXLEN ~ 5 LIMIT -1
        XTRIM nokey MAXLEN 1
        XINFO STREAM s
        XINFO STREAM s FULL
        XDEL s 10-0 99
        XINFO STREAM s
        XADD s 11-0 a b
        XADD s 12-0 a b
        XADD s 13-0 a b
        XADD s 14-0 a b
        XGROUP CREATE s g 0
        XGROUP CREATE s g 0
        XGROUP CREATE s g2 $
        XGROUP CREATE nokey g2 $
        XGROUP CREATE mk g2 $ MKSTREAM
        XGROUP CREATE mk g3 - MKSTREAM
        XGROUP CREATE mk g3 0 MKSTREAM ENTRIESREAD -2
        XGROUP CREATE mk g3 0 MKSTREAM ENTRIESREAD x
        XGROUP CREATE mk g3 0 MKSTREAM ENTRIESREAD 3
        XINFO GROUPS mk
        XINFO GROUPS s
        XREADGROUP GROUP g c COUNT 2 STREAMS s >
        XREADGROUP GROUP g c COUNT 2 STREAMS s 0
        XREADGROUP GROUP g c COUNT 2 STREAMS s 11
        XREADGROUP GROUP g d STREAMS s >
        XREADGROUP GROUP g d STREAMS s >
        XREADGROUP GROUP g e STREAMS s 0
        XREADGROUP GROUP nog e STREAMS s >
        XREADGROUP GROUP g e STREAMS s $
        XREADGROUP GROUP g e STREAMS s mk > >
        XREADGROUP GROUP g2 e NOACK STREAMS s mk > >
        XREADGROUP GROUP g2 e NOACK STREAMS s mk >
        XREADGROUP GROUP g2 e FOO STREAMS s mk >
        XPENDING s g
        XPENDING s nog
        XPENDING s g - + 0
        XPENDING s g - + -4
        XPENDING s g - + 10 nobody
        XPENDING s g IDLE 1 - +
        XPENDING s g - +
        XPENDING s g x + 10
        XPENDING s g - + x
        XPENDING s g IDLE x - + 10
        XPENDING s g IDLE 999999999 - + 10
        XACK s g 11-0 11-0 99
        XACK s g x
        XACK s nog 11-0
        XACK nokey nog x
        XPENDING s g
        XCLAIM s g e 0 12-0 JUSTID
        XCLAIM s g e 0 12-0
        XCLAIM s g e 0 99 FORCE
        XCLAIM s g e 0 12-0 IDLE x
        XCLAIM s g e 0 12-0 TIME x
        XCLAIM s g e 0 12-0 RETRYCOUNT x
        XCLAIM s g e 0 12-0 LASTID x
        XCLAIM s g e 0 12-0 FOO
        XCLAIM s g e x 12-0 FOO
        XCLAIM s g e 0 FOO
        XCLAIM s nog e x 12-0
        XCLAIM s g e 0 12-0 RETRYCOUNT 7 IDLE 1000 FORCE JUSTID LASTID 13-0
        XCLAIM s g e 99999999 12-0
        XCLAIM s g e -5 12-0 JUSTID
        XAUTOCLAIM s g f 0 0 COUNT 2
        XAUTOCLAIM s g f 0 0 COUNT 2 JUSTID
        XAUTOCLAIM s g f 0 (12-0 COUNT 1
        XAUTOCLAIM s g f 0 - COUNT 100
        XAUTOCLAIM s g f x 0
        XAUTOCLAIM s g f 0 0 COUNT 0
        XAUTOCLAIM s g f 0 0 COUNT x
        XAUTOCLAIM s g f 0 0 COUNT
        XAUTOCLAIM s g f 0 0 FOO
        XAUTOCLAIM s nog f 0 0
        XAUTOCLAIM s nog f 0 x
        XDEL s 13-0
        XREADGROUP GROUP g f STREAMS s 0
        XAUTOCLAIM s g z 0 0
        XGROUP CREATECONSUMER s g new
        XGROUP CREATECONSUMER s g new
        XGROUP CREATECONSUMER s nog new
        XGROUP CREATECONSUMER nokey nog new
        XGROUP DELCONSUMER s g new
        XGROUP DELCONSUMER s g new
        XGROUP DELCONSUMER s g z
        XGROUP DELCONSUMER s g
        XGROUP SETID s g 0
        XGROUP SETID s g 11-0 ENTRIESREAD 4
        XGROUP SETID s g +
        XGROUP SETID s g -
        XGROUP SETID s g x
        XGROUP SETID s g 0 ENTRIESREAD
        XGROUP SETID s g 0 FOO
        XGROUP SETID s nog 0
        XGROUP SETID s g $
        XGROUP DESTROY s g2
        XGROUP DESTROY s g2
        XGROUP DESTROY nokey g2
        XGROUP FOO
        XGROUP FOO a b
        XGROUP
        XGROUP CREATE a
        XGROUP CREATE a b c d
        XGROUP HELP
        XGROUP HELP x
        XINFO HELP
        XINFO FOO
        XINFO
        XINFO STREAM nokey
        XINFO STREAM nokey FULL x
        XINFO STREAM s FULL x
        XINFO STREAM s FULL COUNT x
        XINFO STREAM s FULL COUNT
        XINFO STREAM mk
        XINFO STREAM mk FULL
        XINFO GROUPS nokey
        XINFO GROUPS s b
        XINFO CONSUMERS s
        XINFO CONSUMERS s nog
        XREAD STREAMS s 0
        XREAD COUNT 1 STREAMS s mk 0 0
        XREAD STREAMS s $
        XREAD STREAMS nokey 0
        XREAD STREAMS s >
        XREAD STREAMS s
        XREAD STREAMS s a b
        XREAD COUNT x STREAMS s 0
        XREAD BLOCK x STREAMS s 0
        XREAD BLOCK -1 STREAMS s 0
        XREAD BLOCK 99999999999999999999 STREAMS s 0
        XREAD BLOCK 9223372036854775807 STREAMS s 0
        XREAD BLOCK 20 STREAMS s $
        XREAD BLOCK 20 COUNT 2 STREAMS nokey 0
        XREAD GROUP g c STREAMS s 0
        XREAD NOACK STREAMS s 0
        XREAD FOO STREAMS s 0
        XREAD STREAMS s 0-0-0
        XREAD STREAMS s 007
        XREAD COUNT 1
        XREADGROUP GROUP g c BLOCK 20 STREAMS s >
        XREADGROUP STREAMS s s s s > > > >
        XREADGROUP NOACK COUNT 1 STREAMS s s > >
        XADD s f v
        XADD s * f
        XADD s MAXLEN
        XADD s MAXLEN 3
        XADD s MAXLEN x * f v
        XADD s MAXLEN -1 * f v
        XADD s MAXLEN = 1 LIMIT 3 * f v
        XADD s LIMIT 3 * f v
        XADD s LIMIT 0 * f v v
        XADD s LIMIT -3 * f v
        XADD s MAXLEN 1 MINID 1 * f v
        XADD s - f v
        XADD s + f v
        XADD s 18446744073709551615-18446744073709551615 a b
        XADD s * a b
        XADD s 1 a b
        TYPE s
        TYPE nokey
        EXISTS s s nokey
        FOO a b c
        foo
        "" x
        SELECT 0
        SELECT 99
        SELECT x
        SELECT -1
        SELECT 99999999999
        AUTH x
        AUTH default x
        AUTH a b
        AUTH a b c
        HELLO 4
        HELLO x
        HELLO 2 FOO
        HELLO 2 SETNAME
        HELLO 2 SETNAME a␣b
        HELLO 2 AUTH a b
        CLIENT FOO
        CLIENT
        CLIENT SETNAME a␣b
        CLIENT GETNAME
        CLIENT SETNAME abc
        CLIENT GETNAME
        CLIENT UNBLOCK 99999
        CLIENT UNBLOCK x
        CLIENT UNBLOCK 1 FOO
        CLIENT LIST TYPE foo
        CLIENT LIST FOO
        CLIENT LIST ID x
        CLIENT ID x
        COMMAND FOO
        COMMAND COUNT x
        PING
        PING a
        PING a b
        ECHO
        ECHO hi
        EXEC
        DISCARD
        UNWATCH
        MULTI
        MULTI
        WATCH a
        XADD m 1-1 a b
        XLEN m
        XADD m 1-1 a b
        XREAD BLOCK 0 STREAMS m 1-1
        XRANGE m - +
        PING
        FOO x
        EXEC
        MULTI
        XADD m 1-1 a b
        XLEN m
        XADD m 1-1 a b
        XADD m
        EXEC
        MULTI
        XADD m 1-1 a b
        XLEN m
        XADD m 1-1 a b
        XREAD BLOCK 0 STREAMS m 1-1
        XGROUP CREATE m g 0
        XREADGROUP GROUP g c STREAMS m >
        XPENDING m g
        XACK m g 1-1
        XRANGE m - +
        XDEL m 1-1
        XLEN m
        XINFO STREAM m
        PING
        UNWATCH
        EXEC
        MULTI
        DISCARD
        MULTI
        EXEC
        WATCH m
        XADD m 2-1 a b
        MULTI
        PING
        EXEC
        WATCH m
        MULTI
        PING
        EXEC
        WATCH
        SCAN x
        SCAN 0 FOO
        SCAN 0 COUNT 0
        SCAN 0 COUNT x
        SCAN 0 MATCH
        KEYS
        KEYS nope*
        DBSIZE
        DBSIZE x
        TTL nokey
        TTL s
        GET s
        GET nokey
        HGET s b
        HGETALL s
        HGETALL nokey
        HGET nokey a
        HEXISTS nokey a
        SET k
        SET k v NX XX
        SET k v FOO
        SET k v EX x
        SET k v EX 0
        HSET h a
        HSET s a b
        HSET h a b c
        DEL nokey
        """

    /// After HELLO 3.
    static let three = """
        XADD r 1-1 a b
        XREAD STREAMS r 0
        XREAD STREAMS r $
        XRANGE r - + COUNT 0
        XADD nn NOMKSTREAM * f v
        XINFO STREAM r
        XGROUP CREATE r g 0
        XREADGROUP GROUP g c STREAMS r >
        XDEL r 1-1
        XREADGROUP GROUP g c STREAMS r 0
        XINFO GROUPS r
        XPENDING r g
        XACK r g 1-1
        XPENDING r g
        CLIENT GETNAME
        RESET
        HGETALL nokey
        QUIT
        """
}
