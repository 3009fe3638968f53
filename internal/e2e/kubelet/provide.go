package kubelet

// Provide makes a program of this machine what an image runs: containers with exactly this image become processes of it, called with the
// container's arguments and environment. What it prints is in a log file of the pod's name. Pods that exist already are not started.
func (k *Kubelet) Provide(image, program string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.images[image] = program
}

// provided is the program that an image runs; empty is none of its own.
func (k *Kubelet) provided(image string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.images[image]
}
