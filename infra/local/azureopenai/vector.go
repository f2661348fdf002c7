package azureopenai

import (
	"math"
	"strconv"
)

// vector makes a unit vector from what an input has in common with others: its words, their stems,
// what they mean where that is known, and the letters they are made of. Each such feature stands for a
// few fixed directions. The first of a model's full number of dimensions are kept, which are as good
// a projection as all of them.
func (in *input) vector(full, kept int) []float32 {
	sum := make([]float64, full)
	for _, w := range words(in.text) {
		s := stem(w)
		add(sum, "stem:"+s, 2)
		for _, concept := range concepts[s] {
			add(sum, "concept:"+concept, 3)
		}
		marked := []rune("^" + w + "$")
		for i := 0; i+3 <= len(marked); i++ {
			add(sum, "letters:"+string(marked[i:i+3]), 0.35)
		}
	}
	for _, id := range in.ids {
		add(sum, "id:"+strconv.Itoa(id), 1)
	}
	add(sum, "text:"+in.text, 0.3) // so that no two texts are the same
	sum = sum[:kept]
	length := 0.0
	for _, v := range sum {
		length += v * v
	}
	length = math.Sqrt(length)
	unit := make([]float32, kept)
	if length == 0 {
		unit[0] = 1
		return unit
	}
	for i, v := range sum {
		unit[i] = float32(v / length)
	}
	return unit
}

// add moves a sum along a feature's directions. There are many, so that even a tenth of the dimensions
// holds some of them.
func add(sum []float64, feature string, weight float64) {
	const directions = 32
	h := uint64(14695981039346656037) // FNV-1a
	for i := 0; i < len(feature); i++ {
		h = (h ^ uint64(feature[i])) * 1099511628211
	}
	for range directions {
		h = mixBits(h + 0x9e3779b97f4a7c15)
		if h&1 == 0 {
			sum[(h>>1)%uint64(len(sum))] += weight
		} else {
			sum[(h>>1)%uint64(len(sum))] -= weight
		}
	}
}
