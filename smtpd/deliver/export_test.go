package deliver

import "time"

func init() { strayAfter = 100 * time.Millisecond }
