package azureopenai

import "fmt"

// number returns the next of a sequence that looks random and is the same in every Server, so that a
// test sees the same ids each time.
func (s *Server) number() uint64 {
	z := s.sequence.Add(1) * 0x9e3779b97f4a7c15 // splitmix64
	return mixBits(z)
}

func mixBits(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (s *Server) uuid() string {
	a, b := s.number(), s.number()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		uint32(a>>32), uint16(a>>16), a&0xfff, 0x8000|b>>50, b&0xffffffffffff)
}

const alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// id returns prefix and n letters and digits.
func (s *Server) id(prefix string, n int) string {
	b := append(make([]byte, 0, len(prefix)+n), prefix...)
	for z := s.number(); n > 0; n-- {
		b = append(b, alphanumerics[z%uint64(len(alphanumerics))])
		z = mixBits(z + 1)
	}
	return string(b)
}
