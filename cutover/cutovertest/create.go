package cutovertest

import "github.com/wimigrate/wimigrate/cutover"

// Create stores any object, as an actor outside the cutover would.
func (c *Cluster) Create(object map[string]any) {
	c.begin()
	defer c.fleet.mu.Unlock()
	o := c.create(deepCopy(object), "kubectl-client-side-apply")
	c.noted("", o, nil, o.data)
	c.touched(o)
}

// createBy stores a new object; a pod goes through admission. A pod without a controller is not run, and not stored: it is only tried.
func (c *Cluster) createBy(w cutover.Write, old *object, manager string, dry bool) (*object, error) {
	body, err := decodeBody(w)
	if err != nil {
		return nil, err
	}
	if old != nil {
		return nil, alreadyExists(w.Ref)
	}
	if w.Ref.Kind == "Pod" {
		if err := c.admit(body); err != nil {
			return nil, err
		}
	}
	if w.Ref.Kind == "SelfSubjectAccessReview" {
		allow(body)
		return &object{data: body, owners: owners{}}, nil
	}
	if dry || w.Ref.Kind == "Pod" {
		return &object{data: body, owners: owners{}}, nil
	}
	o := c.create(body, manager)
	c.noted(manager, o, nil, o.data)
	if w.Ref.Kind == "Job" {
		c.adopt(o, c.appOf(o))
	}
	c.touched(o)
	return o, nil
}

// applyNew is a server-side apply of what is not there: it makes it, unless it was meant for an object that has gone.
func (c *Cluster) applyNew(w cutover.Write, manager string, dry bool) (*object, error) {
	if w.Ref.UID != "" || w.ResourceVersion != "" {
		return nil, conflict(w.Ref, "Precondition failed: UID in precondition: "+w.Ref.UID+", UID in object meta: ")
	}
	o, err := c.createBy(w, nil, manager, dry)
	if err != nil {
		return nil, err
	}
	body, err := decodeBody(w)
	if err != nil {
		return nil, err
	}
	o.owners = owners{}
	o.owners.set(manager, opApply, leaves(body))
	return o, nil
}

// appOf is the application that the pods of a new Job run: that of its owner.
func (c *Cluster) appOf(job *object) App {
	for _, r := range job.u().GetOwnerReferences() {
		if w := c.sets[string(r.UID)]; w != nil {
			app := w.app
			if w.kind() != "CronJob" {
				app.Runs = serviceTime // it is no batch job: it runs until somebody ends it
			}
			return app
		}
	}
	return App{}.withDefaults()
}
