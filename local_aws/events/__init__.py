"""Events on their way: from AWS's own services through rules, buses and schedules to their targets; alarms that change."""
