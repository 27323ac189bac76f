package microsoft

import (
	"encoding/base64"
	"encoding/binary"
)

// QuickXor is the hash that OneDrive for work and SharePoint keep of each file. It finds damage, but no intent:
// https://learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash
type QuickXor struct {
	sum    [quickXorSize]byte
	at     int // the next byte's bit
	length uint64
}

const (
	quickXorSize  = 20
	quickXorShift = 11 // bits between two bytes
)

// Write adds content. It always succeeds.
func (q *QuickXor) Write(content []byte) (int, error) {
	for _, b := range content {
		shifted := uint16(b) << (q.at % 8)
		n := q.at / 8
		q.sum[n] ^= byte(shifted & 0xff)
		q.sum[(n+1)%quickXorSize] ^= byte(shifted >> 8)
		q.at = (q.at + quickXorShift) % (8 * quickXorSize)
	}
	q.length += uint64(len(content))
	return len(content), nil
}

// Sum is the hash of what was written, as Graph writes it.
func (q *QuickXor) Sum() string {
	sum := q.sum
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], q.length)
	for n, b := range length {
		sum[quickXorSize-len(length)+n] ^= b
	}
	return base64.StdEncoding.EncodeToString(sum[:])
}
