"""The app: registers the rooms and nothing else."""

import azure.functions as func

from create_contact.trigger import bp as create_contact
from delete_activity.trigger import bp as delete_activity
from describe_form.trigger import bp as describe_form
from edit_activity.trigger import bp as edit_activity
from find_activity.trigger import bp as find_activity
from graph_notifications.trigger import bp as graph_notifications
from save_activity.trigger import bp as save_activity
from service_info.trigger import bp as service_info
from stop_following.trigger import bp as stop_following
from suggest_links.trigger import bp as suggest_links

app = func.FunctionApp()
for room in (
    save_activity,
    find_activity,
    edit_activity,
    delete_activity,
    stop_following,
    suggest_links,
    describe_form,
    create_contact,
    graph_notifications,
    service_info,
):
    app.register_functions(room)
