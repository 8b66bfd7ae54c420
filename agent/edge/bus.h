/* The agent on the system bus: the tables of org.mainstay1.xml, and who may. */
#pragma once

#include "manager/manager.h"

/* Puts the object on the bus and asks for the name; the manager outlives it. */
int bus_publish(Manager *m);
